"""`store copy` as users give it, and daemons that go on where the last one stopped.

But for one, the commands run in this process: a process for each would take minutes.
"""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.stores.postgresql import PostgresqlStore
from monitor.adapters.stores.session import Access
from monitor.adapters.stores.sql import SqlStore
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.cli.app import run_command
from monitor.core.events import EventType
from monitor.demo.world import World
from tests.cli.commands import Finished, run
from tests.core.tampered import first_tampered
from tests.servers.postgresql import Postgresql
from tests.whole.shop import PACE, Shop, eventually, running
from tests.whole.test_notices import BROKEN, Post, with_channels

Run: TypeAlias = Callable[..., Finished]


@pytest.fixture
def command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run a command in the folder, outside of any loop."""
    monkeypatch.chdir(tmp_path)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)

    def run_here(*arguments: str) -> Finished:
        with ThreadPoolExecutor(1) as outside:
            code = outside.submit(run_command, arguments).result()
        return Finished(code, *capsys.readouterr())

    return run_here


TOLD = BROKEN - {"static.shop.example"}


async def test_a_daemon_goes_on_in_another_database_and_back_and_tells_nothing_again(
    tmp_path: Path, shared_postgresql: Postgresql, command: Run
) -> None:
    files = [f"sqlite:///{tmp_path}/{name}.db" for name in ("first", "last")]
    places = [files[0], shared_postgresql.fresh(), files[1]]
    posts = [Post() for _ in places]
    async with World(PACE, SystemClock().now) as world:
        text = with_channels(world.config_text("127.0.0.1:0", str(tmp_path / "shop.db")))

        def at(place: str) -> str:
            return text.replace(f"sqlite:///{tmp_path}/shop.db", place)

        async def all_told() -> bool:
            return len(posts[0].pager.messages) >= len(TOLD)

        for number, place in enumerate(places):
            if number:
                (tmp_path / "config.toml").write_text(at(places[number - 1]))
                copying = ("store", "copy", "--to", place)
                done = run(*copying, at=tmp_path) if number == 1 else command(*copying)
                assert (done.code, done.err) == (0, "")
                head = done.out.partition("head of its audit log is ")[2].partition(".")[0]
                (tmp_path / "config.toml").write_text(at(place))
                verified = command("audit", "verify", "--head", head)
                assert verified.code == 0, verified.out + verified.err
            async with running(Shop(world, at(place), outlets=posts[number].outlets)) as shop:
                if not number:
                    await eventually(all_told)
                assert (await shop.post("-/reload")).ok
                await shop.daemon.wait_for_first_look()
    assert [post.pager.messages for post in posts[1:]] == [[], []]
    store = SqliteStore(tmp_path / "last.db", Access.READ)
    records = await store.records(after=0, limit=100_000)
    await store.close()
    assert first_tampered(records) is None
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    kinds = [record.event.type for record in records]
    assert kinds.count(EventType.START) == len(places)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "sqlite:///a.db"), "there is no database yet"),
        (("--from", "sqlite:///a.db", "--to", "sqlite:///a.db"), "the same database"),
        (("--to", "mysql://x"), "--to:2:12 daemon.database: is no database that is known"),
        (("--to", "postgresql://u:canary@127.0.0.1/x"), "must not hold a password"),
        (("--from", "sqlite:///", "--to", "sqlite:///a.db"), "--from:2:12"),
        ((), "--to"),
    ],
)
def test_what_cannot_be_copied_is_said_with_what_to_give(
    arguments: tuple[str, ...], said: str, command: Run
) -> None:
    done = command("store", "copy", *arguments)
    assert done.code == 3
    assert said in done.err
    assert "canary" not in done.err
    assert "Traceback" not in done.err


async def test_an_older_releases_database_is_first_to_be_taken_over(
    tmp_path: Path, command: Run
) -> None:
    store = SqliteStore(tmp_path / "a.db", Access.OWN)
    await store.load()
    await store.close()
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("PRAGMA user_version = 1")
    done = command("store", "copy", "--from", "sqlite:///a.db", "--to", "sqlite:///b.db")
    assert done.code == 3
    assert "Start the daemon of this one, which takes it over" in done.err
    assert not (tmp_path / "b.db").exists()


async def test_a_daemon_that_runs_is_named(
    tmp_path: Path, shared_postgresql: Postgresql, command: Run
) -> None:
    owners: tuple[Callable[[], SqlStore], ...] = (
        lambda: SqliteStore(tmp_path / "a.db", Access.OWN),
        lambda: PostgresqlStore(shared_postgresql.newest, Access.OWN),
    )
    url = shared_postgresql.fresh()
    for open_store in owners:
        owner = open_store()
        await owner.load()
        done = command("store", "copy", "--from", "sqlite:///a.db", "--to", url)
        await owner.close()
        assert done.code == 3
        assert "in use by another daemon" in done.err
