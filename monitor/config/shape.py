"""Which tables and keys may stand where, as the models say."""

from itertools import chain
from typing import get_args, get_origin

from monitor.config.faults import KeyPath
from monitor.config.section import Section
from monitor.config.settings import Settings


def keys_at(path: KeyPath) -> tuple[str, ...]:
    """Return the keys that the table at a path may hold."""
    keys = chain.from_iterable(_annotations(section) for section in sections_at(path))
    return tuple(dict.fromkeys(keys))


def sections_at(path: KeyPath) -> tuple[type[Section], ...]:
    """Return the models that may stand at a path; those of the items where it is a list."""
    found: tuple[type[Section], ...] = (Settings,)
    for name in path:
        if isinstance(name, str):
            known = [_annotations(section).get(name) for section in found]
            found = tuple(chain.from_iterable(_sections_in(annotation) for annotation in known))
    return found


def is_list_of_tables(path: KeyPath) -> bool:
    """True for `bindings` and its like, which are written with double brackets."""
    known = [_annotations(section).get(str(path[-1])) for section in sections_at(path[:-1])]
    return any(get_origin(a) is tuple and _sections_in(a) for a in known)


def homes_of(key: str) -> tuple[str, ...]:
    """Return the sections in which a key is known, for one that stands in the wrong place."""
    return tuple(name for name in keys_at(()) if key in keys_at((name,)))


def _annotations(section: type[Section]) -> dict[str, object]:
    return {field.alias or name: field.annotation for name, field in section.model_fields.items()}


def _sections_in(annotation: object) -> tuple[type[Section], ...]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return (annotation,)
    return tuple(chain.from_iterable(_sections_in(inner) for inner in get_args(annotation)))
