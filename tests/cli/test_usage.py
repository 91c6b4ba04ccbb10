import asyncio
import json
from pathlib import Path

import pytest

from monitor.adapters.stores.sqlite import SqliteStore
from tests.cli.commands import run

NEEDED = "the daemon needs it where it runs"


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


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("explain", "x.example"), "ask `check` with --bucket"),
        (("check", "x.example"), "say what it should reach with --bucket"),
        (("audit", "report"), "audit report --help"),
        (("worker",), "docs/vantages.md"),
        (("announce", "x.example", "--to", "y.example", "--url", "http://127.0.0.1:1"), "--url"),
        (("healthcheck",), "does the daemon run"),
        (("backup", "b.db"), "a relative daemon.database begins"),
        (("changes",), "a relative daemon.database begins"),
        (("audit", "--domain", "x.example"), "a relative daemon.database begins"),
    ],
    ids=" ".join,
)
def test_what_is_refused_is_said_with_its_remedy(
    arguments: tuple[str, ...], remedy: str, tmp_path: Path
) -> None:
    done = run(*arguments, at=tmp_path, environ={"OSS_CNAME_MONITOR__DAEMON__LISTEN": "[::1]:1"})
    assert done.code in {1, 3}
    assert remedy in done.err
    assert done.out == ""


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    source = SqliteStore(tmp_path / "oss-cname-monitor.db")
    asyncio.run(source.records(after=0, limit=1))
    asyncio.run(source.close())
    done = run("audit", "--domain", "x.example", "-o", "no/such.html", at=tmp_path)
    assert (done.code, done.err) == (3, "cannot write: no/such.html: No such file or directory\n")


def test_a_secret_that_is_not_here_is_no_fault_but_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[[web.tokens]]\nname = "deploy"\ntoken = { file = "no/token" }\n'
        '[[alerting.channels]]\nname = "duty"\nurl = { env = "DUTY_URL" }\n'
        '[[accounts]]\nname = "a"\nendpoint = "oss-cn-hangzhou.aliyuncs.com"\n'
        'credentials = { kind = "static", access_key_id = { env = "ID" }, '
        'access_key_secret = { env = "SECRET" } }\n'
    )
    done = run("config", "check", "config.toml", at=tmp_path, environ={"ID": "x", "SECRET": "y"})
    assert done.code == 0
    notes = [line for line in done.out.splitlines() if line.startswith("  note: ")]
    token, url = "web.tokens[0].token", "alerting.channels[0].url"
    assert notes == [
        f"  note: {token}: no/token cannot be read: No such file or directory; {NEEDED}",
        f"  note: {url}: the environment variable DUTY_URL is not set; {NEEDED}",
    ]


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
