"""One small file for each rule: what it says when broken, what it makes of a good file."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import ConfigError, effective, parse

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.toml"))
EXAMPLE = (HERE.parents[1] / "config.example.toml").read_text(encoding="utf-8")
WHOLE = re.sub(r"^#: ", "", EXAMPLE, flags=re.MULTILINE)
GOOD = sorted((HERE / "good").glob("*.toml"))


def directives(text: str, word: str) -> list[str]:
    return re.findall(rf"^# {word}: (.*)$", text, re.MULTILINE)


def environ(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in directives(text, "env"))


def place(line: int | None, column: int | None) -> str:
    return ":".join(str(part) for part in (line, column) if part is not None) or "-"


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_broken_rule_says_where_what_and_the_remedy(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        parse(text, environ(text))

    faults = caught.value.faults
    told = [f"{place(f.line, f.column)} {f.path or '-'}: {f.message}" for f in faults]
    assert told == directives(text, "expect")
    assert [fault.hint for fault in faults] == directives(text, "hint")


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_no_fault_repeats_a_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        parse(text, environ(text))

    shown = f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
    assert "CANARY" not in shown
    assert caught.value.__context__ is None or caught.value.__suppress_context__


LINES = WHOLE.splitlines()
KEYS = [number for number, line in enumerate(LINES) if re.match(r"[a-z_]+ = [^\[]", line)]
ODD = [
    "5",
    "-1",
    "0.5",
    "true",
    '""',
    '"::"',
    '"a b"',
    '"https://"',
    "[]",
    "[[1]]",
    "{}",
    "{ a = 1 }",
]


@given(st.sampled_from(KEYS), st.sampled_from([*ODD, "2026-11-10", "[{}]", "inf", '"*"']))
def test_any_value_of_any_key_is_taken_or_refused_with_a_remedy(number: int, value: str) -> None:
    changed = [*LINES]
    changed[number] = re.sub(r"= .*", f"= {value}", changed[number])
    try:
        parse("\n".join(changed), {})
    except ConfigError as error:
        found = error.faults
    else:
        found = ()

    for fault in found:
        assert fault.hint
        assert fault.line is not None
        assert "compare it with" not in fault.hint


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_has_its_effect(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    shown = effective(parse(text, environ(text)))

    for line in directives(text, "shows"):
        key, _, value = line.partition(" = ")
        assert value_at(shown, key) == json.loads(value), key


def value_at(shown: Any, key: str) -> Any:
    for part in key.split("."):
        shown = shown[int(part)] if isinstance(shown, list) else shown[part]
    return shown
