"""Commands beside a daemon that keeps its state in PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.adapters.stores.postgresql import PostgresqlStore
from monitor.adapters.stores.session import Access
from monitor.cli.app import run_command
from monitor.core.state import Step
from tests.cli.commands import Finished, run
from tests.contracts.followed import changes
from tests.servers.guarded_postgresql import PASSWORD, GuardedPostgresql
from tests.servers.postgresql import Postgresql

CANARY = "password-canary"


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder with a configuration, and whoever holds the database."""

    folder: Path
    owner: PostgresqlStore

    async def run(self, *arguments: str) -> Finished:
        environ = {"PGPASSWORD": CANARY}
        return await asyncio.to_thread(run, *arguments, at=self.folder, environ=environ)


@pytest.fixture
async def desk(tmp_path: Path, shared_postgresql: Postgresql) -> AsyncIterator[Desk]:
    url = shared_postgresql.fresh()
    (tmp_path / "config.toml").write_text(f'[daemon]\ndatabase = "{url}"\n')
    owner = PostgresqlStore(url, Access.OWN)
    await owner.load()
    yield Desk(tmp_path, owner)
    await owner.close()


async def test_what_a_daemon_keeps_is_read_beside_it(desk: Desk) -> None:
    known = changes()
    before = await desk.run("changes", "-c", "config.toml", "--json")
    await desk.owner.commit(Step(changes=known))
    after = await desk.run("changes", "-c", "config.toml", "--json")
    assert (before.code, after.code) == (0, 0), before.err + after.err
    assert json.loads(before.out)["items"] == []
    found = [change["id"] for change in json.loads(after.out)["items"]]
    assert found == [change.id for change in reversed(known)]
    one = await desk.run("changes", "show", known[0].id, "-c", "config.toml", "--json")
    assert json.loads(one.out)["id"] == known[0].id


async def test_a_second_daemon_is_refused_and_no_command_tells_the_password(desk: Desk) -> None:
    second = await desk.run("run", "-c", "config.toml")
    assert second.code == 3
    assert "in use by another daemon" in second.err
    shown = await desk.run("config", "show", "-c", "config.toml")
    assert shown.code == 0
    assert CANARY not in second.out + second.err + shown.out + shown.err


async def test_a_backup_is_left_to_the_tools_of_postgresql(desk: Desk) -> None:
    done = await desk.run("backup", "copy.db", "-c", "config.toml")
    assert done.code == 3
    assert "pg_dump" in done.err
    assert not (desk.folder / "copy.db").exists()


@pytest.mark.parametrize("place", ["env", "file"])
async def test_the_password_is_where_the_configuration_says_and_is_never_told(
    place: str,
    tmp_path: Path,
    guarded_postgresql: GuardedPostgresql,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PGPASSFILE", "/no/such/file")
    ca = guarded_postgresql.ca_file
    url = guarded_postgresql.fresh(sslmode="verify-full", sslrootcert=str(ca))
    owner = PostgresqlStore(url, Access.OWN, password=lambda: PASSWORD)
    await owner.commit(Step(changes=changes()))
    value = {"env": "DB_PASSWORD", "file": str(tmp_path / "password")}[place]
    (tmp_path / "config.toml").write_text(
        f'[daemon]\ndatabase = "{url}"\ndatabase_password = {{ {place} = "{value}" }}\n'
    )

    async def told(password: str, *arguments: str) -> Finished:
        (tmp_path / "password").write_text(f"{password}\n")
        monkeypatch.setenv("DB_PASSWORD", password)
        code = await asyncio.to_thread(run_command, arguments)
        return Finished(code, *capsys.readouterr())

    found = await told(PASSWORD, "changes", "--json")
    await owner.close()
    assert found.code == 0, found.err
    assert len(json.loads(found.out)["items"]) == len(changes())
    wrong, none = await told(CANARY, "changes"), await told("", "changes")
    shown = await told(CANARY, "config", "show")
    assert (wrong.code, none.code, shown.code) == (3, 3, 0)
    assert "password authentication failed" in wrong.err
    assert value in none.err
    assert value in shown.out
    assert CANARY not in wrong.err + shown.out + shown.err
