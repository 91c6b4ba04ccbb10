"""How deep tables and lists may stand within each other."""

from collections.abc import Iterable, Mapping

from monitor.config.faults import ConfigError, Fault, path_text

_DEEPEST = 20  # what is known here needs six
TOO_DEEP = (  # what is wrong, and the remedy
    f"has more than {_DEEPEST} tables or lists within each other",
    "compare it with the example: nothing there is nested so",
)


def refuse_depth(tables: Mapping[str, object], source: str) -> None:
    """Raise ConfigError for what is nested so deep that to look at it would fail.

    The reader of TOML stops at deep brackets itself, but not at dotted keys.
    """
    for key, value in tables.items():
        if is_deep(value):
            raise ConfigError((Fault(path_text((key,)), *TOO_DEEP, source=source),))


def is_deep(value: object) -> bool:
    inner = [value]
    for _ in range(_DEEPEST):
        inner = [part for whole in inner for part in _parts(whole)]
    return bool(inner)


def _parts(value: object) -> Iterable[object]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()
