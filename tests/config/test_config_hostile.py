"""A configuration that nobody would write in good faith is refused like any other mistake."""

import json

import pytest

from monitor.config import ConfigError, Fault, effective, parse
from monitor.config.web_file import parse_web

SECRET = "CANARY-0123456789"


def fault_of(text: str, environ: dict[str, str] | None = None) -> Fault:
    with pytest.raises(ConfigError) as caught:
        parse(text, environ or {})
    fault, *_ = caught.value.faults
    assert fault.hint
    return fault


@pytest.mark.parametrize(
    "text",
    ["a." * 3000 + "b = 1", "[" + "a." * 3000 + "b]", "a = {" + "b." * 3000 + "c = 1}"],
    ids=["key", "table", "inline"],
)
def test_tables_that_never_end_are_refused(text: str) -> None:
    assert fault_of(text).path == "a"
    assert "within each other" in fault_of(text).message


def test_brackets_that_never_close_are_refused() -> None:
    assert fault_of("a = " + "[" * 5000).message.startswith("is no TOML")


def test_a_number_without_end_is_not_repeated() -> None:
    number = "0x" + "f" * 5000
    told = fault_of(f"[schedule]\ntimeout = {number}\nattempts = {number}")
    assert "very many digits" in str(told)


def test_what_would_act_on_a_terminal_is_escaped() -> None:
    for text in (
        '[daemon]\nlisten = "\\u001b[31m"',
        '"\\u001b[31m" = 1',
        '[daemon]\n"\\u202e" = 1',
    ):
        assert all(letter.isprintable() for letter in str(fault_of(text)).replace("\n", "")), text


@pytest.mark.parametrize(
    "value", ["[" * 5000, "{" + "a." * 3000 + "b = 1}", "1", "\udcff", "x" * 5000], ids=len
)
def test_an_override_of_whatever_name_and_value_is_a_fault(value: str) -> None:
    for name in ("__".join("A" * 3000), "A", "DAEMON__X", ""):
        assert fault_of("", {f"OSS_CNAME_MONITOR__{name}": value}).source == "environment"


def test_half_a_character_in_the_environment_is_no_value() -> None:
    for key in ("DAEMON__DATABASE", "DAEMON__LANG", "DISTRIBUTED__NATS_URL"):
        environ = {f"OSS_CNAME_MONITOR__{key}": "nats://\udcff"}
        try:
            shown = json.dumps(effective(parse("", environ)), ensure_ascii=False)
        except ConfigError as error:
            str(error).encode()
        else:
            shown.encode()


@pytest.mark.parametrize(
    "text",
    [
        "a: \x11",
        "a: !!bool x",
        "a: !!int ''",
        "a: !!float x",
        "a: !!timestamp x",
        "a: !!binary '='",
        "a: !!x y",
    ],
)
def test_a_yaml_value_that_is_not_of_its_type_is_a_fault(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_web(text, "web.yml")
    assert all(fault.hint for fault in caught.value.faults)


@pytest.mark.parametrize("value", [f"*{SECRET}", f"!{SECRET} x", f"&{SECRET} a\nb: &{SECRET} c"])
def test_broken_yaml_repeats_nothing_of_a_password(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_web(f"basic_auth_users:\n  alice: {value}\n", "web.yml")
    assert SECRET not in f"{caught.value}{caught.value!r}"
