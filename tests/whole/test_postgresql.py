"""A daemon whose PostgreSQL goes away for a while."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from monitor.adapters.stores.postgresql import PostgresqlStore
from monitor.adapters.stores.session import Access
from monitor.demo.landscape import MODIFIED
from tests.core.tampered import first_tampered
from tests.servers.postgresql import Postgresql
from tests.servers.process import aside
from tests.whole.shop import Shop, eventually, open_shop

METRIC = "oss_cname_store_waiting_steps"


@pytest.fixture
async def shop(
    tmp_path: Path, own_postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shop]:
    monkeypatch.setattr("monitor.adapters.stores.postgresql.PATIENCE", 1.0)
    monkeypatch.setattr("monitor.ledger._SHORT_WHILE", 1.0)
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
        known = shop.daemon.snapshot().state
        await asyncio.sleep(2)
        assert shop.daemon.snapshot().state is known, "nothing is shown that is not kept"
    await eventually(is_ready)
    await eventually(is_seen)
    assert set((await shop.samples(METRIC)).values()) == {0.0}
    reader = PostgresqlStore(own_postgresql.newest, Access.READ)
    records = await reader.records(after=0, limit=10_000)
    await reader.close()
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert first_tampered(records) is None
