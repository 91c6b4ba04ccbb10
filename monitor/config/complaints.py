"""What pydantic refused, in words for the person who wrote the file.

A value is repeated only where it is a plain one and its key is known: all else may be a secret
that stands in the wrong place.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from monitor.config.faults import REFUSED, Complaint, KeyPath, path_text, quoted
from monitor.config.shape import homes_of, is_list_of_tables, keys_at

# Keys of earlier releases, by where they stood: what to do about them now.
_GONE: Mapping[KeyPath, str] = {
    ("retention", "observations"): "leave it out: it had no effect; answers are kept as evidence "
    "of the log, for as long as retention.changes says",
}


def complaints_of(error: ValidationError, tables: Mapping[str, object]) -> Iterator[Complaint]:
    """Yield one complaint for each thing that is wrong with the tables."""
    for detail in error.errors(include_url=False):
        # Its default could not be told because of another key, which has its own complaint.
        if detail["type"] != "default_factory_not_called":
            explain = _BY_TYPE.get(detail["type"], _unforeseen)
            yield explain(_path(detail["loc"], tables), detail)


def _refused(path: KeyPath, detail: ErrorDetails) -> Complaint:
    context = detail["ctx"]
    at = path[:-1] if context["about_table"] else path
    return Complaint(at, context["message"], context["hint"], detail["loc"][-1] == "[key]")


def _missing(path: KeyPath, _detail: ErrorDetails) -> Complaint:
    return Complaint(path, "is missing", f"add {path[-1]} = ... to this table")


def _unknown_key(path: KeyPath, _detail: ErrorDetails) -> Complaint:
    if path in _GONE:
        return Complaint(path, "is no key any more", _GONE[path], is_about_key=True)
    key, known = str(path[-1]), keys_at(path[:-1])
    if close := difflib.get_close_matches(key, known, n=1):
        hint = f'did you mean "{close[0]}"?'
    elif homes := homes_of(key):
        hint = f"it belongs in {' or '.join(f'[{home}]' for home in homes)}"
    else:
        hint = f"known here: {', '.join(known)}"
    return Complaint(path, "is no key that is known here", hint, is_about_key=True)


def _no_such_word(path: KeyPath, detail: ErrorDetails) -> Complaint:
    words = _words(detail["ctx"]["expected"])
    close = difflib.get_close_matches(str(detail["input"]), words, n=1)
    hint = f'did you mean "{close[0]}"?' if close else "write one of these words, in quotes"
    message = f"must be one of {_listed(words)} (got {_got(detail['input'])})"
    return Complaint(path, message, hint)


def _unknown_kind(path: KeyPath, detail: ErrorDetails) -> Complaint:
    words = _words(detail["ctx"]["expected_tags"])
    return Complaint((*path, "kind"), "is unknown", f"write kind as one of {_listed(words)}")


def _no_kind(path: KeyPath, _detail: ErrorDetails) -> Complaint:
    return Complaint((*path, "kind"), "is missing", 'add kind = "env" or another to this table')


def _beyond(limit: str, words: str) -> Callable[[KeyPath, ErrorDetails], Complaint]:
    def explain(path: KeyPath, detail: ErrorDetails) -> Complaint:
        bound = f"{words} {detail['ctx'][limit]:g}"
        message = f"must be {bound} (got {_got(detail['input'])})"
        return Complaint(path, message, f"write a number that is {bound}")

    return explain


def _not_a(thing: str) -> Callable[[KeyPath, ErrorDetails], Complaint]:
    def explain(path: KeyPath, detail: ErrorDetails) -> Complaint:
        value = detail["input"]
        hint = f"write {thing}{', without quotes' if isinstance(value, str) else ''}"
        return Complaint(path, f"must be {thing} (got {_got(value)})", hint)

    return explain


def _no_text(path: KeyPath, detail: ErrorDetails) -> Complaint:
    return Complaint(path, f"must be text (got {_got(detail['input'])})", "write it in quotes")


def _no_list(path: KeyPath, detail: ErrorDetails) -> Complaint:
    names = tuple(part for part in path if isinstance(part, str))
    hint = "write it in brackets: [...]"
    if is_list_of_tables(names):
        hint = f"begin each of them with [[{path_text(names)}]]"
    return Complaint(path, f"must be a list (got {_form(detail['input'])})", hint)


def _no_table(path: KeyPath, detail: ErrorDetails) -> Complaint:
    is_inner = any(isinstance(part, int) for part in path)
    hint = "write { key = value }" if is_inner else f"write [{path_text(path)}], its keys below"
    return Complaint(path, f"must be a table (got {_form(detail['input'])})", hint)


def _unforeseen(path: KeyPath, detail: ErrorDetails) -> Complaint:
    # What an exception says may quote the value.
    message = "cannot be used" if detail["type"] in _EXCEPTIONS else detail["msg"]
    return Complaint(path, message, "compare it with config.example.toml")


_EXCEPTIONS = frozenset({"value_error", "assertion_error"})

_BY_TYPE: Mapping[str, Callable[[KeyPath, ErrorDetails], Complaint]] = {
    REFUSED: _refused,
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "enum": _no_such_word,
    "union_tag_invalid": _unknown_kind,
    "union_tag_not_found": _no_kind,
    "greater_than_equal": _beyond("ge", "at least"),
    "greater_than": _beyond("gt", "more than"),
    "less_than_equal": _beyond("le", "at most"),
    "less_than": _beyond("lt", "less than"),
    "int_type": _not_a("a whole number"),
    "int_from_float": _not_a("a whole number"),
    "float_type": _not_a("a number"),
    "finite_number": _not_a("a finite number"),
    "bool_type": _not_a("true or false"),
    "string_type": _no_text,
    "tuple_type": _no_list,
    "model_type": _no_table,
    "model_attributes_type": _no_table,
    "mapping_type": _no_table,
    "dict_type": _no_table,
}


def _path(location: tuple[int | str, ...], tables: object) -> KeyPath:
    """Return the keys of the file only: pydantic also names the member of a union."""
    path: list[int | str] = []
    place = tables
    steps = [step for step in location if step != "[key]"]
    for position, step in enumerate(steps):
        is_here = _holds(place, step)
        if is_here or position == len(steps) - 1:
            path.append(step)
        if is_here:
            place = _inside(place, step)
    return tuple(path)


def _holds(place: object, step: int | str) -> bool:
    if isinstance(place, Mapping):
        return step in place
    return isinstance(place, Sequence) and isinstance(step, int) and step < len(place)


def _inside(place: object, step: int | str) -> object:
    if isinstance(place, Mapping):
        return place[step]
    return place[step] if isinstance(place, Sequence) and isinstance(step, int) else None


def _words(listed: str) -> list[str]:
    """Return the words that pydantic lists as `'a', 'b' or 'c'`."""
    return re.findall(r"'([^']*)'", listed)


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def _got(value: object) -> str:
    return quoted(value) if isinstance(value, str) else _form(value)


def _form(value: object) -> str:
    match value:
        case str():
            return "text"
        case bool() | int() | float() | date() | time():
            return quoted(value)
        case Mapping():
            return "a table"
        case _:
            return "a list"
