"""Overrides from the environment: `OSS_CNAME_MONITOR__SECTION__KEY`."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.config.depth import TOO_DEEP, is_deep
from monitor.config.faults import Fault, KeyPath
from monitor.config.shape import is_list_of_tables, sections_at

PREFIX = "OSS_CNAME_MONITOR__"
SOURCE = "environment"
_DEEPEST = 10


@dataclass(frozen=True, slots=True)
class Override:
    """A variable, the key that it stands for, and its value."""

    variable: str
    path: KeyPath
    value: object


def read_overrides(environ: Mapping[str, str]) -> tuple[tuple[Override, ...], tuple[Fault, ...]]:
    """Return the overrides, and the variables that cannot be one."""
    ours = sorted(pair for pair in environ.items() if pair[0].startswith(PREFIX))
    broken = [name for name, text in ours if not _is_utf8(name + text)]
    given = [
        Override(name, tuple(name.removeprefix(PREFIX).lower().split("__")), _value(text))
        for name, text in ours
        if name not in broken
    ]
    judged = [(override, _fault(override)) for override in given]
    return (
        tuple(override for override, fault in judged if fault is None),
        (
            *map(_no_utf8, broken),
            *(fault for _, fault in judged if fault is not None),
        ),
    )


def _is_utf8(text: str) -> bool:
    # Octets that are none reach us as halves of characters (PEP 383).
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _no_utf8(variable: str) -> Fault:
    name = variable.encode(errors="replace").decode()
    return Fault(name, "is not UTF-8", "set it in UTF-8", source=SOURCE)


def overridden(tables: Mapping[str, object], overrides: Iterable[Override]) -> dict[str, object]:
    """Return the tables with each override in its place."""
    changed = dict(tables)
    for override in overrides:
        changed = _with(changed, override.path, override.value)
    return changed


def _value(text: str) -> object:
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return read["value"] if read.keys() == {"value"} else text


def _fault(override: Override) -> Fault | None:
    if len(override.path) > _DEEPEST:
        return Fault(
            override.variable,
            "names a key that is deeper than any",
            f"write {PREFIX}SECTION__KEY",
            source=SOURCE,
        )
    if is_deep(override.value):
        return Fault(override.variable, *TOO_DEEP, source=SOURCE)
    for length in range(1, len(override.path) + 1):
        path = override.path[:length]
        if is_list_of_tables(path):
            header = ".".join(str(part) for part in path)
            return Fault(
                override.variable,
                "is part of a list of tables, which the environment cannot override",
                f"write it in the file, under [[{header}]]",
                source=SOURCE,
            )
    if sections_at(override.path):
        return Fault(
            override.variable,
            "names a whole section, not a key",
            f"write one variable for each key: {override.variable}__KEY",
            source=SOURCE,
        )
    return None


def _with(table: Mapping[str, object], path: KeyPath, value: object) -> dict[str, object]:
    name, rest = str(path[0]), path[1:]
    if not rest:
        return {**table, name: value}
    inner = table.get(name, {})
    # A section that is no table is a fault of the file, and is told as such.
    changed = _with(inner, rest, value) if isinstance(inner, Mapping) else inner
    return {**table, name: changed}
