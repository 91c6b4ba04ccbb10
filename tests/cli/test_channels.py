"""`channels test`, as people run it."""

import json
from pathlib import Path

from tests.cli.commands import run
from tests.servers.endpoints import free_endpoint
from tests.servers.http_service import Says, Seen, http_service

CANARY = "canary0secret1of2channel"


def _configured(folder: Path, *channels: str) -> None:
    tables = [f"[[alerting.channels]]\n{channel}\n" for channel in channels]
    (folder / "config.toml").write_text("".join(tables), encoding="utf-8")


def test_each_channel_gets_a_message_in_its_language(tmp_path: Path) -> None:
    with http_service(lambda _: Says(200)) as service:
        at = f"webhook://{CANARY}@{service.at}/in"
        _configured(
            tmp_path,
            f'name = "ops"\nurl = "{at}"',
            'name = "duty"\nurl = { env = "DUTY" }\nlang = "zh"',
        )
        done = run("channels", "test", at=tmp_path, environ={"DUTY": at})

    assert (done.code, done.err) == (0, "")
    bodies = {seen.document["body"] for seen in service.seen}
    assert bodies == {
        "This is a test of the channel ops. Nothing has happened.",
        "这是渠道 duty 的测试消息，并无事件发生。",
    }
    assert len({seen.headers["Idempotency-Key"] for seen in service.seen}) == 2
    assert [line.split() for line in done.out.splitlines()][1:] == [
        ["ops", "✔", "delivered"],
        ["duty", "✔", "delivered"],
    ]
    assert CANARY not in done.out


def test_what_fails_is_told_with_reason_and_remedy_and_the_rest_is_delivered(
    tmp_path: Path,
) -> None:
    def script(seen: Seen) -> Says:
        return Says(401 if seen.path == "/closed" else 200, seen.target)

    with http_service(script) as service:
        _configured(
            tmp_path,
            f'name = "open"\nurl = "webhook://{service.at}/open"',
            f'name = "closed"\nurl = "webhook://{service.at}/closed?key={CANARY}"',
            f'name = "away"\nurl = "jsons://u:{CANARY}@{free_endpoint()}/"',
        )
        done = run("channels", "test", at=tmp_path)

    assert (done.code, done.err) == (1, "")
    assert "✔ delivered" in done.out
    assert "✖ not let in" in done.out and "status 401" in done.out
    assert "Take the URL from the service anew" in done.out
    assert "✖ unreachable" in done.out and "no connection to 127.0.0.1" in done.out
    assert CANARY not in done.out


def test_one_channel_can_be_tried_alone(tmp_path: Path) -> None:
    with http_service(lambda _: Says(200)) as service:
        _configured(
            tmp_path,
            'name = "broken"\nurl = { env = "MISSING" }',
            f'name = "ops"\nurl = "webhook://{service.at}/"',
        )
        done = run("channels", "test", "--channel", "ops", at=tmp_path)

    assert (done.code, done.err) == (0, "")
    assert [json.loads(seen.body)["severity"] for seen in service.seen] == ["info"]


def test_a_url_that_cannot_be_used_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    _configured(tmp_path, f'name = "x"\nurl = "slack://{CANARY}"')
    for command in (("channels", "test"), ("config", "check", "config.toml")):
        done = run(*command, at=tmp_path)
        assert (done.code, done.out) == (3, "")
        assert "alerting.channels[0].url (x): is not how apprise writes slack" in done.err
        assert CANARY not in done.err


def test_without_a_channel_there_is_nothing_to_try(tmp_path: Path) -> None:
    done = run("channels", "test", at=tmp_path)
    assert done.code == 3
    assert "write [[alerting.channels]]" in done.err


def test_a_channel_that_is_not_configured_is_told_with_those_that_are(tmp_path: Path) -> None:
    _configured(tmp_path, 'name = "ops"\nurl = "webhook://127.0.0.1/"')
    done = run("channels", "test", "--channel", "opps", at=tmp_path)
    assert done.code == 3
    assert "there is no channel opps: those configured are ops" in done.err
