"""Where a key stands in a TOML text, for messages that an editor can jump to.

The text has been read by `tomllib` before, so its grammar is taken for granted.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from monitor.config.faults import KeyPath


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text; both numbers begin with 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Map:
    """The places of all keys and values of a text."""

    keys: dict[KeyPath, Position] = field(default_factory=dict)
    values: dict[KeyPath, Position] = field(default_factory=dict)

    def value(self, path: KeyPath) -> Position | None:
        """Return where the value stands; else its key, or the nearest table around it."""
        return self.values.get(path) or self.key(path)

    def key(self, path: KeyPath) -> Position | None:
        """Return where the key stands; else the nearest table around it."""
        while path and path not in self.keys:
            path = path[:-1]
        return self.keys.get(path)


def positions(text: str) -> Map:
    """Return the places of all keys and values of a valid TOML text."""
    return _Reader(text).read()


_TOKEN = re.compile(
    r"""
    (?P<skip> [ \t\r]+ | \#[^\n]* )
  | (?P<text> \"{3} (?: \\. | [^\\] )*? \"{3,5} | '{3} .*? '{3,5}
            | " (?: \\. | [^"\\\n] )* " | ' [^'\n]* ' )
  | (?P<mark> [\[\]{}=,.\n] )
  | (?P<bare> [^\s\[\]{}=,."'\#]+ )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    offset: int


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "skip":
            yield _Token(match.group(), match.start())
    yield _Token("\n", len(text))


class _Reader:
    """Walks over the tokens once, and notes where each key and value begins."""

    def __init__(self, text: str) -> None:
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self._tokens = list(_tokens(text))
        self._next = 0
        self._table: KeyPath = ()
        self._lengths: dict[KeyPath, int] = {}
        self._map = Map()

    def read(self) -> Map:
        while self._next < len(self._tokens):
            match self._peek():
                case "\n":
                    self._take()
                case "[":
                    self._header()
                case _:
                    self._pair(self._table)
        return self._map

    def _header(self) -> None:
        start = self._take()
        is_array = self._peek() == "["
        if is_array:
            self._take()
        names = [name for name, _ in self._dotted()]
        path: KeyPath = ()
        for name in names[:-1]:
            path = self._last_of((*path, name))
        path = (*path, names[-1])
        if is_array:
            self._lengths[path] = self._lengths.get(path, 0) + 1
            self._map.keys.setdefault(path, self._at(start))
        self._table = self._last_of(path)
        self._map.keys.setdefault(self._table, self._at(start))
        while self._peek() == "]":
            self._take()

    def _last_of(self, path: KeyPath) -> KeyPath:
        length = self._lengths.get(path)
        return path if length is None else (*path, length - 1)

    def _pair(self, table: KeyPath) -> None:
        path = table
        for name, token in self._dotted():
            path = (*path, name)
            self._map.keys.setdefault(path, self._at(token))
        self._take()  # the equals sign
        self._value(path)

    def _dotted(self) -> list[tuple[str, _Token]]:
        parts = []
        while True:
            token = self._take()
            parts.append((_name(token.text), token))
            if self._peek() != ".":
                return parts
            self._take()

    def _value(self, path: KeyPath) -> None:
        self._map.values[path] = self._at(self._tokens[self._next])
        self._map.keys.setdefault(path, self._map.values[path])
        match self._peek():
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case _:
                # A number or a date is several tokens: `0.5`, `1979-05-27 07:32:00`.
                while self._peek() not in {"\n", ",", "]", "}"}:
                    self._take()

    def _array(self, path: KeyPath) -> None:
        self._take()
        index = 0
        while (text := self._peek()) != "]":
            if text in {"\n", ","}:
                self._take()
            else:
                self._value((*path, index))
                index += 1
        self._take()

    def _inline_table(self, path: KeyPath) -> None:
        self._take()
        while (text := self._peek()) != "}":
            if text in {"\n", ","}:
                self._take()
            else:
                self._pair(path)
        self._take()

    def _peek(self) -> str:
        return self._tokens[self._next].text

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _at(self, token: _Token) -> Position:
        line = bisect_right(self._lines, token.offset)
        return Position(line, token.offset - self._lines[line - 1] + 1)


def _name(written: str) -> str:
    """Return the key behind a bare or quoted writing of it."""
    if written[0] not in "\"'":
        return written
    return str(tomllib.loads(f"name = {written}")["name"])
