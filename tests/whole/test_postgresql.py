"""A daemon whose PostgreSQL goes away for a while."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.adapters.stores.postgresql import PostgresqlStore
from monitor.adapters.stores.session import Access
from monitor.core.events import EventType
from monitor.demo.landscape import MODIFIED
from tests.core.tampered import first_tampered
from tests.servers.postgresql import Postgresql
from tests.servers.process import aside
from tests.whole.shop import Shop, eventually, open_shop

METRIC = "oss_cname_store_waiting_steps"
ANNOUNCED = {"domain": "video.shop.example", "to": "elsewhere.shop.example"}


@pytest.fixture
async def shop(
    tmp_path: Path, own_postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shop]:
    monkeypatch.setattr("monitor.adapters.stores.postgresql.PATIENCE", 1.0)
    monkeypatch.setattr("monitor.ledger._SHORT_WHILE", 1.0)
    monkeypatch.setattr("monitor.usecases.announce.PATIENCE", timedelta(seconds=1))
    monkeypatch.setattr("monitor.assembly.prompt.PATIENCE", timedelta(seconds=1))
    own_postgresql.fresh()

    def on_postgresql(text: str) -> str:
        return text.replace(f"sqlite:///{tmp_path}/shop.db", own_postgresql.newest)

    async with open_shop(tmp_path, on_postgresql) as running:
        yield running


@pytest.mark.parametrize(
    "outage", [Postgresql.stopped, Postgresql.killed, Postgresql.silent], ids=lambda f: f.__name__
)
async def test_an_outage_is_told_and_waited_out_and_the_work_goes_on(
    outage: Callable[[Postgresql], AbstractContextManager[None]],
    shop: Shop,
    own_postgresql: Postgresql,
) -> None:
    async def is_ready() -> bool:
        return (await shop.get("-/ready")).status_code == 200

    async def is_not_ready() -> bool:
        return not await is_ready()

    async def is_seen() -> bool:
        change = await shop.change(MODIFIED)
        return bool(change and change["all_authorities_at"])

    assert await is_ready()
    async with aside(outage(own_postgresql)):
        for authority in shop.world.authorities:
            shop.world.modify(authority)
        await eventually(is_not_ready)
        reply = await shop.get("-/ready")
        assert "kept nothing" in reply.json()["detail"]
        assert max((await shop.samples(METRIC)).values()) > 0
        assert (await shop.get("api/v1/changes")).status_code == 503
        assert (await shop.get("")).status_code == 200
        await _nothing_is_announced(shop)
        await _a_reload_does_not_wait(shop)
        known = shop.daemon.snapshot().state
        await asyncio.sleep(2)
        assert shop.daemon.snapshot().state is known, "nothing is shown that is not kept"
    await eventually(is_ready)
    await eventually(is_seen)
    assert set((await shop.samples(METRIC)).values()) == {0.0}
    assert (await shop.announce(ANNOUNCED)).status_code == 201
    reader = PostgresqlStore(own_postgresql.newest, Access.READ)
    records = await reader.records(after=0, limit=10_000)
    await reader.close()
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert first_tampered(records) is None
    kinds = [record.event.type for record in records]
    assert kinds.count(EventType.RELOAD) == 1
    assert kinds.count(EventType.CHANGE_ANNOUNCED) == 1


async def _nothing_is_announced(shop: Shop) -> None:
    reply = await shop.announce(ANNOUNCED)
    assert reply.status_code == 503
    assert reply.headers["content-type"] == "application/problem+json"
    assert int(reply.headers["retry-after"]) > 0
    assert "could not be kept" in reply.json()["detail"]


async def _a_reload_does_not_wait(shop: Shop) -> None:
    with capture_logs() as logs:
        assert (await shop.post("-/reload")).status_code == 200
    assert "config.reload_ahead_of_store" in [log["event"] for log in logs]
    assert await shop.samples("oss_cname_config_last_reload_successful") == {frozenset(): 1.0}
