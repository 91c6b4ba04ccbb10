"""What can be wrong with a configuration, and how a person is told."""

import re
from dataclasses import dataclass
from typing import TypeAlias

from pydantic_core import PydanticCustomError

REFUSED = "refused"  # the pydantic error type of every rule that is our own

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST = 80
_LARGEST_SHOWN = 256  # bits of a whole number; TOML has 64
NUMBER_TOO_LONG = "a number of very many digits"
_CREDENTIALS = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", re.DOTALL)
_PARAMETERS = re.compile(
    r"([?&#][^=&#]*(?:pass|secret|token|key|sign|auth|cred)[^=&#]*=)[^&#]+", re.IGNORECASE
)


KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend: where it stands, what is wrong, and the remedy.

    `path` is a key path such as `resolvers[1].port`, or the environment variable that overrides
    the key; it is empty where the file as a whole is at fault.
    """

    path: str
    message: str
    hint: str = ""
    line: int | None = None
    column: int | None = None
    source: str = ""

    @property
    def place(self) -> str:
        """`config.toml:14:8`, as far as it is known."""
        known = [str(part) for part in (self.line, self.column) if part is not None]
        return ":".join([self.source, *known] if self.source else known)

    def __str__(self) -> str:
        where = " ".join(part for part in (self.place, self.path) if part)
        remedy = f"\n  hint: {_visible(self.hint)}" if self.hint else ""
        return f"{_visible(where)}: {_visible(self.message)}{remedy}"


@dataclass(frozen=True, slots=True)
class Complaint:
    """A fault by the keys that lead to it, before anyone looked where it stands."""

    path: KeyPath
    message: str
    hint: str
    is_about_key: bool = False


def path_text(path: KeyPath) -> str:
    """Return the key path as people write it: `authority.servers."example.com"[0]`."""
    text = ""
    for part in path:
        match part:
            case int():
                text += f"[{part}]"
            case str():
                name = part if _BARE_KEY.fullmatch(part) else f'"{part}"'
                text += f".{name}" if text else name
    return text


class ConfigError(Exception):
    """A configuration that cannot be used, with everything that is wrong with it."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def refused(message: str, hint: str, *, about_table: bool = False) -> PydanticCustomError:
    """Return the error with which a field's own rule refuses a value.

    With `about_table` the whole table is at fault, not the key that was looked at last.
    """
    text = {"message": message, "hint": hint, "about_table": about_table}
    return PydanticCustomError(REFUSED, "{message}", text)


def quoted(value: object) -> str:
    """Return a plain value as it is written in TOML; never called with a secret."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            text = _masked(value)
            return f'"{text}"' if len(text) <= _LONGEST else f'"{text[:_LONGEST]}..."'
        case int() if value.bit_length() > _LARGEST_SHOWN:
            return NUMBER_TOO_LONG
        case _:
            return str(value)


def _visible(text: str) -> str:
    # It goes to a terminal, where control characters would act; half a character would fail.
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _masked(text: str) -> str:
    """Return a text without what in it can be a password: no value that is meant has an @."""
    return _PARAMETERS.sub(r"\1********", _CREDENTIALS.sub(r"\1********@", text))
