"""From a file's bytes to Settings, or to everything that is wrong with it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from monitor.config.complaints import complaints_of
from monitor.config.contradictions import contradictions
from monitor.config.depth import refuse_depth
from monitor.config.environment import SOURCE, Override, overridden, read_overrides
from monitor.config.faults import Complaint, ConfigError, Fault, KeyPath, path_text
from monitor.config.locate import Map, positions
from monitor.config.settings import Settings


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a file; raises ConfigError with every fault."""
    return parse(_text(path), environ, source=str(path))


def parse(text: str, environ: Mapping[str, str], source: str = "config.toml") -> Settings:
    """Return the settings of a TOML text; raises ConfigError with every fault."""
    written = _tables(text, source)
    overrides, faults = read_overrides(environ)
    whole = overridden(written, overrides)
    refuse_depth(whole, source)
    tables = {name: _frozen(value) for name, value in whole.items()}
    settings, complaints = _settings(tables)
    if settings and not complaints and not faults:
        return settings
    places = _Places(source, positions(text), overrides)
    found = [*faults, *(places.fault(complaint) for complaint in complaints)]
    raise ConfigError(tuple(sorted(found, key=_order)))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        message = "there is no such file"
        hint = "name one with -c, or make one: oss-cname-monitor config example > config.toml"
    except IsADirectoryError:
        message, hint = "is a directory", f"name the file in it, such as {path / 'config.toml'}"
    except PermissionError:
        message, hint = "may not be read", "give the user that runs the monitor the right to read"
    except UnicodeDecodeError as error:
        message, hint = f"is not UTF-8 (byte {error.start})", "save it as UTF-8"
    except OSError as error:
        message, hint = f"cannot be read: {error.strerror}", "see that it is a plain file"
    raise ConfigError((Fault("", message, hint, source=str(path)),))


_AT = re.compile(r"(?P<message>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)", re.DOTALL)
_AT_END = " (at end of document)"
# As input methods and word processors write what TOML has in ASCII.
_NO_ASCII = re.compile("[“”‘’„＝［］【】｛｝，＂＇]")


def _tables(text: str, source: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        fault = _syntax_fault(str(error), text, source)
    raise ConfigError((fault,))


def _syntax_fault(told: str, text: str, source: str) -> Fault:
    if match := _AT.fullmatch(told):
        line, column = int(match["line"]), int(match["column"])
    else:
        line, column = text.count("\n") + 1, None
    hint = "mend the TOML here; text needs quotes, and each key stands once"
    if _NO_ASCII.search(_line(text, line)):
        hint = 'write the signs of TOML in ASCII: " = [ ] and not “ ” ＝ 【 】'
    message = f"is no TOML: {match['message'] if match else told.removesuffix(_AT_END)}"
    return Fault("", message, hint, line, column, source)


def _line(text: str, number: int) -> str:
    lines = text.split("\n")
    return lines[number - 1] if number <= len(lines) else ""


def _frozen(value: object) -> object:
    match value:
        case list():
            return tuple(_frozen(item) for item in value)
        case dict():
            return {key: _frozen(inner) for key, inner in value.items()}
        case _:
            return value


def _settings(tables: Mapping[str, object]) -> tuple[Settings | None, list[Complaint]]:
    against = list(contradictions(tables))
    try:
        return Settings.model_validate(tables), against
    except ValidationError as error:
        return None, [*complaints_of(error, tables), *against]


@dataclass(frozen=True, slots=True)
class _Places:
    """Finds where a complaint has to be mended: at a line of the file, or in a variable."""

    source: str
    positions: Map
    overrides: tuple[Override, ...]

    def fault(self, complaint: Complaint) -> Fault:
        if variable := self._variable(complaint.path):
            return Fault(variable, complaint.message, complaint.hint, source=SOURCE)
        path, known = complaint.path, self.positions
        at = known.key(path) if complaint.is_about_key else known.value(path)
        line, column = (at.line, at.column) if at else (None, None)
        return Fault(path_text(path), complaint.message, complaint.hint, line, column, self.source)

    def _variable(self, path: KeyPath) -> str | None:
        for override in self.overrides:
            if path[: len(override.path)] == override.path:
                return override.variable
        if path in self.positions.keys:
            return None
        below = [o.variable for o in self.overrides if o.path[: len(path)] == path]
        return below[0] if below else None


def _order(fault: Fault) -> tuple[int, int, str]:
    return (fault.line or 0, fault.column or 0, fault.path)
