"""What a query names: its metrics with their matchers, and the labels that it groups by.

Not a parser of PromQL: whatever is neither is an error, so that nothing is overlooked.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_MATCHER = re.compile(r"""(\w+)\s*(?:=~|!~|!=|=)\s*("[^"]*"|'[^']*'|%q)""")
_SELECTOR = re.compile(r"""([a-zA-Z_:][\w:]*)\{((?:[^}"']|"[^"]*"|'[^']*')*)\}""")
_LABELS = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_TEXT = re.compile(r"""("[^"]*"|'[^']*')""")
_DURATION = re.compile(r"\[\d+[smhdwy](?::\d*[smhdwy]?)?\]")
_WORD = re.compile(r"[a-zA-Z_:][\w:]*")
_LANGUAGE = frozenset({
    "and", "or", "unless", "offset", "bool", "by", "without", "on", "ignoring",
    "group_left", "group_right", "sum", "min", "max", "avg", "count", "time", "rate", "increase",
    "absent", "last_over_time", "label_replace",
})  # fmt: skip
_QUERY = re.compile(r"""\bquery (?:\(printf )?("(?:[^"\\]|\\.)*")""")


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric, and the values that each of its labels may have; %q where they are filled in."""

    metric: str
    matchers: Mapping[str, frozenset[str]]


def selectors_of(expr: str) -> Iterator[Selector]:
    """Yield each metric of the expression with its matchers."""
    rest = expr
    for found in _SELECTOR.finditer(expr):
        matchers = {
            label: frozenset(text.strip("\"'").split("|"))
            for label, text in _MATCHER.findall(found[2])
        }
        assert _MATCHER.sub("", found[2]).strip(" ,\n") == "", f"not understood: {found[0]}"
        yield Selector(found[1], matchers)
        rest = rest.replace(found[0], " ")
    rest = _LABELS.sub(" ", _DURATION.sub(" ", _TEXT.sub(" ", rest)))
    for word in _WORD.findall(rest):
        if word not in _LANGUAGE:
            yield Selector(word, {})


def labels_of(expr: str) -> frozenset[str]:
    """Return the labels that are grouped by, matched on, or carried over."""
    lists = [names for _, names in _LABELS.findall(expr)]
    return frozenset(label.strip() for names in lists for label in names.split(",")) - {""}


def queries_of(template: str) -> list[str]:
    """Return the queries that an annotation makes."""
    return [text[1:-1] for text in _QUERY.findall(template)]
