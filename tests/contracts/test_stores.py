"""The stores that keep the contract; the fake is held to the same as the real ones."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from monitor.adapters.stores.postgresql import PostgresqlStore
from monitor.adapters.stores.session import Access
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.ports import Store
from tests.contracts.log_contract import LogContract, OpenBook
from tests.contracts.store_contract import Open, StoreContract
from tests.contracts.store_machine import MACHINE_SETTINGS, StoreMachine
from tests.fakes.memory_store import MemoryStore
from tests.servers.postgresql import Postgresql


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Open:
        return lambda: SqliteStore(tmp_path / "test.db")


class TestPostgresqlStore(StoreContract):
    @pytest.fixture
    def open_store(self, shared_postgresql: Postgresql) -> Open:
        url = shared_postgresql.fresh()
        return lambda: PostgresqlStore(url)


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def open_store(self) -> Open:
        memory = MemoryStore()
        return lambda: memory


class TestSqliteLog(LogContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenBook:
        return lambda: SqliteStore(tmp_path / "test.db")


class TestPostgresqlLog(LogContract):
    @pytest.fixture
    def open_store(self, shared_postgresql: Postgresql) -> OpenBook:
        url = shared_postgresql.fresh()
        return lambda: PostgresqlStore(url)


class TestMemoryLog(LogContract):
    @pytest.fixture
    def open_store(self) -> OpenBook:
        return MemoryStore


class SqliteMachine(StoreMachine):
    def __init__(self) -> None:
        self._folder = TemporaryDirectory()
        super().__init__()

    def open(self) -> Store:
        return SqliteStore(Path(self._folder.name) / "machine.db")

    def teardown(self) -> None:
        super().teardown()
        self._folder.cleanup()


class PostgresqlMachine(StoreMachine):
    server: Postgresql

    def __init__(self) -> None:
        self._url = self.server.fresh()
        super().__init__()

    def open(self) -> Store:
        return PostgresqlStore(self._url, Access.OWN)


class MemoryMachine(StoreMachine):
    def __init__(self) -> None:
        self._memory = MemoryStore()
        super().__init__()

    def open(self) -> Store:
        return self._memory


TestSqliteBesideAValue = SqliteMachine.TestCase
TestSqliteBesideAValue.settings = MACHINE_SETTINGS


@pytest.mark.timeout(900)  # each example is a database of its own
def test_postgresql_beside_a_value(shared_postgresql: Postgresql) -> None:
    PostgresqlMachine.server = shared_postgresql
    few = settings(MACHINE_SETTINGS, max_examples=12)
    run_state_machine_as_test(PostgresqlMachine, settings=few)


TestMemoryBesideAValue = MemoryMachine.TestCase
TestMemoryBesideAValue.settings = MACHINE_SETTINGS
