"""The stores that keep notices as promised; the fake is held to the same as the real ones."""

from pathlib import Path

import pytest

from monitor.adapters.stores.postgresql import PostgresqlStore
from monitor.adapters.stores.sqlite import SqliteStore
from tests.contracts.outbox_contract import Open, OutboxContract
from tests.fakes.memory_store import MemoryStore
from tests.servers.postgresql import Postgresql


class TestSqliteOutbox(OutboxContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Open:
        return lambda: SqliteStore(tmp_path / "test.db")


class TestPostgresqlOutbox(OutboxContract):
    @pytest.fixture
    def open_store(self, shared_postgresql: Postgresql) -> Open:
        url = shared_postgresql.fresh()
        return lambda: PostgresqlStore(url)


class TestMemoryOutbox(OutboxContract):
    @pytest.fixture
    def open_store(self) -> Open:
        memory = MemoryStore()
        return lambda: memory
