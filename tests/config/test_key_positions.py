import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.faults import KeyPath
from monitor.config.locate import Position, positions

TEXT = '''# a comment with [brackets] and key = "value"
top = 1
[daemon] # another
listen = "a # b = c" # the end
a.b.c = 0.5
"quoted.key" = 1979-05-27 07:32:00
many = """
[not.a.table]
x = "\\"""" # still
list = [
  1, # one
  [2, 3], { inner = 'x', deep.er = [ { last = true } ] },
]
inline = { one = 1, "t.w o" = { three = 3 } }

[[resolvers]]
name = "a"

[[resolvers]]
  port = 70000
[resolvers.extra]
more = 1
[[resolvers.parts]]
n = 1
[[resolvers.parts]]
n = 2

[alerting]
[[alerting.channels]]
name = 'x'
'''


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        (("top",), 2, 7),
        (("daemon", "listen"), 4, 10),
        (("daemon", "a", "b", "c"), 5, 9),
        (("daemon", "quoted.key"), 6, 16),
        (("daemon", "many"), 7, 8),
        (("daemon", "list"), 10, 8),
        (("daemon", "list", 0), 11, 3),
        (("daemon", "list", 1, 1), 12, 7),
        (("daemon", "list", 2, "inner"), 12, 21),
        (("daemon", "list", 2, "deep", "er", 0, "last"), 12, 47),
        (("daemon", "inline", "one"), 14, 18),
        (("daemon", "inline", "t.w o", "three"), 14, 41),
        (("resolvers", 0, "name"), 17, 8),
        (("resolvers", 1, "port"), 20, 10),
        (("resolvers", 1, "extra", "more"), 22, 8),
        (("resolvers", 1, "parts", 1, "n"), 26, 5),
        (("alerting", "channels", 0, "name"), 30, 8),
    ],
)
def test_a_value_is_found(path: KeyPath, line: int, column: int) -> None:
    assert tomllib.loads(TEXT)
    assert positions(TEXT).value(path) == Position(line, column)


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        (("daemon",), 3, 1),
        (("daemon", "listen"), 4, 1),
        (("daemon", "a", "b", "c"), 5, 5),
        (("daemon", "inline", "one"), 14, 12),
        (("resolvers", 1), 19, 1),
        (("resolvers", 1, "port"), 20, 3),
        (("resolvers", 1, "parts", 0), 23, 1),
    ],
)
def test_a_key_is_found(path: KeyPath, line: int, column: int) -> None:
    assert positions(TEXT).key(path) == Position(line, column)


def test_a_key_that_is_not_written_is_found_at_its_table() -> None:
    assert positions(TEXT).value(("resolvers", 1, "name")) == Position(19, 1)


def test_a_table_that_is_not_written_is_nowhere() -> None:
    assert positions(TEXT).value(("schedule", "timeout")) is None


def test_windows_line_ends_do_not_move_a_line() -> None:
    text = TEXT.replace("\n", "\r\n")

    assert positions(text).value(("resolvers", 1, "port")) == Position(20, 10)


NAMES = st.text("ab-_01", min_size=1, max_size=3)
SCALARS = st.sampled_from(["1", "-2.5e3", "true", '"a]=#b"', "'}'", "1979-05-27 07:32:00", "[]"])


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, SCALARS, min_size=1), max_size=4))
def test_every_value_is_found_where_it_was_written(tables: dict[str, dict[str, str]]) -> None:
    text, places = "", {}
    for table, keys in tables.items():
        text += f"[[{table}]]\n"
        for key, value in keys.items():
            text += f"{key}\t= {value} # {key} = 0\n"
            places[table, 0, key] = Position(text.count("\n"), len(key) + 4)

    found = positions(text)

    assert tomllib.loads(text) or not tables
    assert {path: found.value(path) for path in places} == places
