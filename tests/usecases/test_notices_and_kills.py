"""Whatever the moment of a kill -9: nothing is lost, and what is repeated has the same key."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.events import EventType
from monitor.core.told import ToldState

ROOT = Path(__file__).parents[2]


def start(folder: Path, moment: str, begin: int, end: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.usecases.notice_process"]
    paths = [str(folder / "test.db"), str(folder / "messages")]
    return subprocess.Popen([*command, *paths, moment, str(begin), str(end)], cwd=ROOT)


def sent(folder: Path) -> list[tuple[str, str]]:
    """Return the key and title of each message that the channel took."""
    file = folder / "messages"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [(line["key"], line["title"]) for line in map(json.loads, lines)]


async def audited(folder: Path) -> list[str]:
    store = SqliteStore(folder / "test.db")
    try:
        records = await store.records(after=0, limit=100_000)
        state = await store.load()
        assert await store.waiting(10) == ()
    finally:
        await store.close()
    assert all(told.state in {ToldState.OPEN, ToldState.OVER} for told in state.told.values())
    return [str(r.event.data["key"]) for r in records if r.event.type is EventType.NOTICE_SENT]


@pytest.mark.parametrize(("moment", "times"), [("before", 1), ("after", 2)])
def test_a_kill_between_commit_and_sending_or_after_it_loses_nothing(
    tmp_path: Path, moment: str, times: int
) -> None:
    with start(tmp_path, moment, 0, 1) as doomed:
        assert doomed.wait(timeout=60) == -signal.SIGKILL
    with start(tmp_path, "never", 0, 0) as next_one:
        assert next_one.wait(timeout=60) == 0
    messages = sent(tmp_path)
    assert [title for _, title in messages] == ["d0.example first"] * times
    assert len({key for key, _ in messages}) == 1
    assert asyncio.run(audited(tmp_path)) == [messages[0][0]]


def test_kills_at_any_moment_lose_nothing_and_repeat_only_with_the_same_key(
    tmp_path: Path,
) -> None:
    lots, killed = random.Random(7), 0
    for begin in range(0, 800, 100):
        child = start(tmp_path, "never", begin, begin + 100)
        with child:
            deadline = time.monotonic() + 30
            already = len(sent(tmp_path))
            # Not before it has begun to send, or it would be killed while it starts.
            while len(sent(tmp_path)) == already and child.poll() is None:
                assert time.monotonic() < deadline, "it never began"
                time.sleep(0.002)
            time.sleep(lots.uniform(0, 0.15))
            child.kill()
            killed += child.wait() == -signal.SIGKILL
    with start(tmp_path, "never", 0, 0) as last:
        assert last.wait(timeout=60) == 0
    messages, known = sent(tmp_path), asyncio.run(audited(tmp_path))
    assert killed >= 4
    assert {key for key, _ in messages} == set(known) and len(known) == len(set(known))
    repeated = Counter(key for key, _ in messages)
    assert sum(count - 1 for count in repeated.values()) <= killed
    titles = dict(messages)
    assert len(titles) == len({(key, title) for key, title in messages})
    told = Counter(titles.values())  # of each domain its beginning, and its end if it came so far
    assert set(told.values()) == {1}
    ends = {title.split()[0] for title in told if title.endswith("over")}
    assert ends and ends <= {title.split()[0] for title in told if title.endswith("first")}
