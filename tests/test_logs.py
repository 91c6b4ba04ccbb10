import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from monitor.logs import HIDDEN, Secrets, set_up

CANARY = "canary-4f9d"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _lines(level: str = "info") -> io.StringIO:
    stream, secrets = io.StringIO(), Secrets()
    secrets.learn(CANARY)
    set_up(level=level, is_json=True, secrets=secrets, stream=stream)
    return stream


def test_a_line_is_one_json_object_with_its_event_level_and_time() -> None:
    stream = _lines()
    structlog.get_logger().info("event.status", domain="例子.example", to="broken")
    (line,) = stream.getvalue().splitlines()
    document = json.loads(line)
    assert document["event"] == "event.status"
    assert document["level"] == "info"
    assert document["domain"] == "例子.example"
    assert document["at"].endswith("Z")


def test_a_known_secret_is_masked_wherever_it_stands() -> None:
    stream = _lines()
    log = structlog.get_logger()
    log.info("a", detail=f"signed with {CANARY}", nested={"deep": [f"x{CANARY}y"]})
    log.info(f"b {CANARY}")
    logging.getLogger("library").warning("refused %s", CANARY)
    assert CANARY not in stream.getvalue()
    assert stream.getvalue().count(HIDDEN) == 4


def test_a_secret_that_holds_another_one_is_masked_as_a_whole() -> None:
    secrets = Secrets()
    for secret in (CANARY, f"https://user:{CANARY}@host/", f"{CANARY}/more"):
        secrets.learn(secret)
    assert secrets.masked(f"https://user:{CANARY}@host/ {CANARY}/more") == f"{HIDDEN} {HIDDEN}"


def test_a_value_under_a_secret_key_is_masked_even_when_unknown() -> None:
    stream = _lines()
    structlog.get_logger().info("a", access_key_secret="never-learnt", Authorization="OSS4 x")
    assert "never-learnt" not in stream.getvalue()
    assert "OSS4" not in stream.getvalue()


def test_an_exception_that_quotes_a_secret_is_masked() -> None:
    stream = _lines()
    try:
        raise ValueError(f"bad key {CANARY}")
    except ValueError:
        structlog.get_logger().exception("job.failed")
    assert "ValueError" in stream.getvalue()
    assert CANARY not in stream.getvalue()


def test_libraries_are_heard_from_warning_on_only() -> None:
    stream = _lines(level="debug")
    logging.getLogger("oss2.api").debug("authorization: OSS4-HMAC-SHA256 ...")
    logging.getLogger("oss2.api").info("x")
    logging.getLogger("apscheduler").warning("late")
    structlog.get_logger().debug("round.done")
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == ["late", "round.done"]
