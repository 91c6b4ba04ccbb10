"""Write the reference of the configuration from its model and its example: `make docs`.

Which keys there are, of which kind and with which default, the model says; what they mean, the
comments of the example, which a test holds to the model.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from monitor.config import example, json_schema

Schema: TypeAlias = Mapping[str, Any]

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"

_TABLE = "a table of its own"
_UNITS = "(ms|s|m|h|d)$"  # how the pattern of a duration ends
_WORDS = {
    "string": "text",
    "boolean": "true or false",
    "object": "table",
    "uri": "URL",
    "date-time": "date and time",
}
_INTRODUCTION = """\
# Configuration

One file in TOML. `oss-cname-monitor config example` prints one to begin with, with every key, its
default and its meaning; `config check FILE` tells all faults at once, `config show` the values in
force, and `config schema` gives editors a JSON Schema. This page is made from the model and the
example by `make docs`.

- A *duration* is `"500ms"`, `"10s"`, `"5m"`, `"72h"` or `"7d"`; fractions such as `"0.5s"` are
  allowed.
- In a *pattern* `*` stands for anything but a dot, `**` for anything at all.
- A *secret* is never written in the file, only where it is: `{ env = "NAME" }` or
  `{ file = "PATH" }`.
- The environment overrides any key of a `[section]`: `OSS_CNAME_MONITOR__SCHEDULE__TIMEOUT=3s` is
  `timeout` of `[schedule]`.
- An unknown key is a fault. SIGHUP and `POST /-/reload` take the file anew; one with faults
  changes nothing. The keys of `[daemon]` need a restart.
"""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file: its heading, its model, and the defaults that its parent gives it."""

    path: tuple[str, ...]
    heading: str
    schema: Schema
    defaults: Mapping[str, Any]


class Comments:
    """What the example says of tables and keys, by their paths."""

    def __init__(self, text: str) -> None:
        self._said: dict[tuple[str, ...], str] = {}
        table: tuple[str, ...] = ()
        pending: list[str] = []
        for line in text.splitlines():
            written = line.removeprefix("#: ")
            if header := re.fullmatch(r"\[{1,2}([\w.]+)\]{1,2}", written):
                table = tuple(header[1].split("."))
                self._note(table, pending)
            elif key := re.match(r"(\w+) = ", written):
                self._note((*table, key[1]), pending)
            elif comment := re.fullmatch(r"# (.*)", line):
                pending.append(comment[1])
                continue
            pending = []

    def of(self, path: tuple[str, ...]) -> str:
        return self._said.get(path, "")

    def _note(self, path: tuple[str, ...], comment: list[str]) -> None:
        if comment:
            self._said.setdefault(path, " ".join(comment))


def page() -> str:
    """Return the page."""
    schema, comments = json_schema(), Comments(example())
    lines = [_INTRODUCTION]
    for table in _tables((), schema, schema["$defs"]):
        lines += [*_section(table, comments, schema["$defs"]), ""]
    return "\n".join(lines)


def _tables(path: tuple[str, ...], schema: Schema, defs: Schema) -> Iterator[Table]:
    for key, found in schema["properties"].items():
        here = (*path, key)
        name = ".".join(here)
        for kind, model in _models(found, defs):
            is_list = found.get("type") == "array"
            heading = f"`[[{name}]]`" if is_list else f"`[{name}]`"
            default = found.get("default")
            defaults = default if isinstance(default, dict) else {}
            yield Table(here, f"{heading}, `kind = {kind}`" if kind else heading, model, defaults)
            yield from _tables(here, model, defs)


def _models(schema: Schema, defs: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield the models of tables that a key may hold, each with the kind that chooses it."""
    if "$ref" in schema:
        model = defs[schema["$ref"].rpartition("/")[2]]
        if "properties" in model:
            kind = model["properties"].get("kind", {}).get("const")
            yield json.dumps(kind) if kind else "", model
    elif "items" in schema:
        yield from _models(schema["items"], defs)
    else:
        for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from _models(choice, defs)


def _section(table: Table, comments: Comments, defs: Schema) -> Iterator[str]:
    yield f"## {table.heading}"
    yield ""
    # What kinds of a table have in common was said where the key that holds it is.
    told = "" if "kind" in table.schema["properties"] else comments.of(table.path)
    yield told or table.schema["description"]
    rows = tuple(_rows(table, comments, defs))
    if rows:
        yield ""
        yield "| Key | Holds | Default | Meaning |"
        yield "|---|---|---|---|"
        yield from rows


def _rows(table: Table, comments: Comments, defs: Schema) -> Iterator[str]:
    for key, schema in table.schema["properties"].items():
        held = _held(schema, defs)
        if held == _TABLE or _is_kind(table, key):
            continue  # its own heading tells of it
        told = comments.of((*table.path, key)) or schema.get("description", "")
        if not told:
            raise ValueError(f"nobody says what {'.'.join((*table.path, key))} means")
        is_required = key in table.schema.get("required", ())
        default = table.defaults.get(key, schema.get("default"))
        shown = "**must be given**" if is_required else _value(default)
        yield f"| `{key}` | {held} | {shown} | {_cell(told)} |"


def _is_kind(table: Table, key: str) -> bool:
    return key == "kind" and "const" in table.schema["properties"][key]


def _held(schema: Schema, defs: Schema) -> str:
    """Say in words what a value may be."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].rpartition("/")[2]]
    if "properties" in schema:
        return "secret" if set(schema["properties"]) < {"env", "file"} else _TABLE
    if "items" in schema:
        held = _held(schema["items"], defs)
        return held if held == _TABLE else f"list of: {held}"
    choices = (*schema.get("anyOf", ()), *schema.get("oneOf", ()))
    if choices:
        found = (_held(choice, defs) for choice in choices if choice.get("type") != "null")
        return " or ".join(dict.fromkeys(found))
    return _single(schema)


def _single(schema: Schema) -> str:
    words = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if words:
        return ", ".join(_value(word) for word in words)
    if schema["type"] in {"integer", "number"}:
        return _number(schema)
    if schema.get("pattern", "").endswith(_UNITS):
        return "duration"
    return _WORDS[schema.get("format", schema["type"])]


def _number(schema: Schema) -> str:
    kind = "whole number" if schema["type"] == "integer" else "number"
    bounds = {
        "minimum": "from {}",
        "exclusiveMinimum": "above {}",
        "maximum": "up to {}",
        "exclusiveMaximum": "below {}",
    }
    told = [text.format(schema[bound]) for bound, text in bounds.items() if bound in schema]
    return " ".join([kind, *told])


def _value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{_cell(json.dumps(value, ensure_ascii=False))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} written\n")
