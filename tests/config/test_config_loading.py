from pathlib import Path

import pytest

from monitor.config import ConfigError, Fault, load, parse


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[daemon]\nlang = "zh"\n', encoding="utf-8")

    assert load(path, {}).daemon.lang.value == "zh"


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b'\xef\xbb\xbf[daemon]\nlang = "zh"\n')

    assert load(path, {}).daemon.lang.value == "zh"


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    assert fault_of(tmp_path / "none.toml").message == "there is no such file"


def test_a_directory_is_a_fault(tmp_path: Path) -> None:
    assert fault_of(tmp_path).message == "is a directory"


def test_a_file_behind_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert fault_of(tmp_path / "file" / "x").message == "cannot be read: Not a directory"


def test_bytes_that_are_not_utf_8_are_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"# \xff\xfe")

    assert fault_of(path).message == "is not UTF-8 (byte 2)"


def test_toml_that_breaks_off_is_a_fault_of_its_last_line() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("[daemon]\nlisten =", {})

    assert str(caught.value).startswith("config.toml:2: is no TOML: Invalid value\n")


def test_toml_without_end_is_a_fault() -> None:
    with pytest.raises(ConfigError, match="is no TOML"):
        parse("a = " + "[" * 100_000, {})


def test_a_number_beyond_all_bounds_is_a_fault() -> None:
    with pytest.raises(ConfigError, match="is no TOML"):
        parse("a = " + "1" * 5_000, {})


def test_a_fault_is_told_with_file_line_key_and_hint() -> None:
    text = '[[resolvers]]\nname = "a"\naddress = "192.0.2.1"\nport = 70000\n'

    with pytest.raises(ConfigError) as caught:
        parse(text, {}, source="my.toml")

    assert str(caught.value) == (
        "my.toml:4:8 resolvers[0].port: must be at most 65535 (got 70000)\n"
        "  hint: write a number that is at most 65535"
    )


def test_a_fault_of_the_environment_is_told_with_its_variable() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("", {"OSS_CNAME_MONITOR__SCHEDULE__TIMEOUT": "5"})

    assert str(caught.value).splitlines()[0] == (
        "environment OSS_CNAME_MONITOR__SCHEDULE__TIMEOUT: has no unit (got 5)"
    )


def fault_of(path: Path) -> Fault:
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    (fault,) = caught.value.faults
    assert fault.hint
    assert str(fault).startswith(f"{path}: ")
    return fault
