"""The stores that keep notices as promised; the fake is held to the same as the real one."""

from pathlib import Path

import pytest

from monitor.adapters.stores.sqlite import SqliteStore
from tests.contracts.outbox_contract import Open, OutboxContract
from tests.fakes.memory_store import MemoryStore


class TestSqliteOutbox(OutboxContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Open:
        return lambda: SqliteStore(tmp_path / "test.db")


class TestMemoryOutbox(OutboxContract):
    @pytest.fixture
    def open_store(self) -> Open:
        memory = MemoryStore()
        return lambda: memory
