import json
from pathlib import Path

import pytest

from tests.cli.commands import run


@pytest.mark.parametrize(
    "arguments",
    [
        ("chek",),
        ("check", "--nosuch"),
        ("explain",),
        ("config",),
        ("check", "x.example", "--bucket", "x"),
        ("check", "x.example", "--bucket", "abc"),
        ("check", "a..b", "--target", "x.example"),
        ("check", "x.example", "--target", "y.example", "--resolver", "not an address"),
        ("check",),
        ("run", "-c", "missing.toml"),
        ("config", "check", "missing.toml"),
        ("config", "show", "-c", "missing.toml"),
    ],
    ids=" ".join,
)
def test_a_usage_fault_exits_with_3_and_says_what_to_do(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = run(*arguments, at=tmp_path)
    assert done.code == 3, done.out + done.err
    assert done.err.strip()
    assert "Traceback" not in done.err
    assert done.out == ""


def test_the_example_has_no_faults(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "config.example.toml"
    done = run("config", "check", str(example), at=tmp_path)
    assert (done.code, done.err) == (0, "")


def test_all_faults_are_told_at_once_with_place_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[daemon]\nlisten = "nowhere"\n[schedul]\n')
    done = run("config", "check", "config.toml", at=tmp_path)
    assert done.code == 3
    assert "config.toml:2:10 daemon.listen" in done.err
    assert "config.toml:3:" in done.err
    assert 'did you mean "schedule"?' in done.err
    assert done.err.count("hint:") == 2


def test_the_schema_is_one_json_document(tmp_path: Path) -> None:
    done = run("config", "schema", at=tmp_path)
    assert json.loads(done.out)["properties"]["resolvers"]


def test_shown_values_hide_secrets(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[[accounts]]\nname = "a"\nendpoint = "oss-cn-hangzhou.aliyuncs.com"\n'
        'credentials = { kind = "static", access_key_id = { env = "ID" }, '
        'access_key_secret = { env = "SECRET" } }\n'
    )
    done = run("config", "show", at=tmp_path, environ={"ID": "id-canary", "SECRET": "canary-2"})
    assert done.code == 0
    assert "canary" not in done.out + done.err
    assert json.loads(done.out)["accounts"][0]["credentials"]["access_key_secret"]["env"] == (
        "SECRET"
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ('[daemon]\ndatabase = "postgresql://127.0.0.1:1/monitor"', "Does the server run"),
        ('[daemon]\nweb_config = "web.yml"', "web.yml: cannot be read"),
        ('[daemon]\nlisten = "0.0.0.0:9953"', "allow_anonymous_read = true"),
        (
            '[web.tls_server_config]\ncert_file = "a.pem"\nkey_file = "a.key"',
            "web.tls_server_config.cert_file: a.pem cannot be read",
        ),
        ('[daemon]\ndatabase = "sqlite:///no/such/folder/x.db"', "folder exist"),
    ],
)
def test_what_cannot_be_done_keeps_the_daemon_from_starting(
    settings: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(settings)
    done = run("run", at=tmp_path)
    assert done.code == 3
    assert expected in done.err
    assert "Traceback" not in done.err


def test_a_rare_character_in_a_domain_is_no_fault(tmp_path: Path) -> None:
    options = ("--bucket=shop-img", "--endpoint=oss-cn-hangzhou.aliyuncs.com")
    done = run("check", "𠮷野家.example", *options, "--resolver=127.0.0.1:1", at=tmp_path)
    assert done.code == 3, "nobody answers"
    assert "𠮷野家.example" in done.out
    assert "Traceback" not in done.err


def test_a_terminal_without_unicode_gets_marks_and_the_same_verdict(tmp_path: Path) -> None:
    options = ("--bucket=shop-img", "--endpoint=oss-cn-hangzhou.aliyuncs.com")
    done = run(
        "check", "img.example", *options, "--resolver=127.0.0.1:1",
        at=tmp_path, environ={"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.code == 3
    assert "? unknown" in done.out
    assert "Traceback" not in done.err
