"""Where a command is run and how it speaks: its surroundings, its language, its screens."""

import os

from rich.console import Console

from monitor.adapters.clock import SystemClock
from monitor.assembly.parts import Surroundings
from monitor.config import Settings
from monitor.entrypoints.change_terminal import ChangeTerminal
from monitor.entrypoints.terminal import Terminal
from monitor.logs import Secrets
from monitor.wording import Language, wording


class UsageFault(Exception):
    """The command cannot be done as it was given; the message says what to give."""


def surroundings() -> Surroundings:
    return Surroundings(SystemClock(), os.environ, Secrets())


def terminal(settings: Settings) -> Terminal:
    return Terminal(Console(), wording(language_of(settings)), Console(stderr=True))


def change_terminal(settings: Settings) -> ChangeTerminal:
    return ChangeTerminal(Console(), wording(language_of(settings)), Console(stderr=True))


def language_of(settings: Settings) -> Language:
    """Return the configured language, or the one that the environment asks for."""
    lang = settings.daemon.lang.value
    if lang != "auto":
        return Language(lang)
    variables = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return Language.of(next((value for value in variables if value), "en"))
