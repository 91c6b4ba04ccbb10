"""Where a command is run and how it speaks: its surroundings, its language, its screens."""

import os
from datetime import UTC, datetime

from rich.console import Console

from monitor.adapters.clock import SystemClock
from monitor.assembly.parts import Surroundings
from monitor.config import Settings
from monitor.entrypoints.audit_terminal import AuditTerminal
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


def audit_terminal(settings: Settings) -> AuditTerminal:
    return AuditTerminal(Console(), wording(language_of(settings)), Console(stderr=True))


def language_of(settings: Settings) -> Language:
    """Return the configured language, or the one that the environment asks for."""
    lang = settings.daemon.lang.value
    if lang != "auto":
        return Language(lang)
    variables = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return Language.of(next((value for value in variables if value), "en"))


def instant_of(written: str, option: str) -> datetime:
    """Return the instant that an option was given; without a zone it is that of the machine.

    Raises UsageFault.
    """
    try:
        at = datetime.fromisoformat(written)
    except ValueError as error:
        raise UsageFault(
            f"{option}: {written!r} is no time: write 2026-11-24T20:00:00Z or an offset such as "
            "+08:00"
        ) from error
    return (at if at.tzinfo else at.astimezone()).astimezone(UTC)
