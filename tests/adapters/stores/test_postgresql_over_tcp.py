"""PostgreSQL over TCP: passwords, TLS, and lines that break or swallow what is sent."""

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest

from monitor.adapters.stores.postgresql import PostgresqlStore
from monitor.adapters.stores.session import Access, PasswordUnavailable
from monitor.core.state import Step
from monitor.ports import StoreError, StoreLost
from tests.adapters.stores.test_postgresql import EVENT, KNOWN, commit_anyhow, opened
from tests.core.samples import DOMAIN
from tests.core.tampered import first_tampered
from tests.servers.certificates import issue
from tests.servers.guarded_postgresql import PASSWORD, ROLE, GuardedPostgresql
from tests.servers.line import Cut, Line, line_to
from tests.servers.postgresql import Postgresql


@pytest.fixture(autouse=True)
def _no_password_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PGPASSWORD", "PGSSLROOTCERT", "PGSSLMODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "no-such-file"))


async def test_a_password_is_shown_to_a_server_that_has_proven_itself(
    guarded_postgresql: GuardedPostgresql,
) -> None:
    url = guarded_postgresql.fresh(
        sslmode="verify-full", sslrootcert=str(guarded_postgresql.ca_file)
    )
    store = PostgresqlStore(url, Access.OWN, password=lambda: PASSWORD)
    try:
        await store.commit(Step((KNOWN,), events=(EVENT,)))
        assert (await store.load()).domains == {DOMAIN: KNOWN}
        query = (
            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
            f"WHERE usename = '{ROLE}'"
        )
        server = guarded_postgresql.server
        assert server.tell(server.url, query) == [(True,)]
    finally:
        await store.close()


@pytest.mark.parametrize("place", ["variable", "passfile of the URL", "PGPASSFILE"])
async def test_a_password_may_stand_where_other_clients_look_for_it(
    place: str,
    guarded_postgresql: GuardedPostgresql,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "passwords"
    file.write_text(f"127.0.0.1:*:*:{ROLE}:{PASSWORD}\n")
    file.chmod(0o600)
    url = guarded_postgresql.fresh(sslmode="require")
    match place:
        case "variable":
            monkeypatch.setenv("PGPASSWORD", PASSWORD)
        case "PGPASSFILE":
            monkeypatch.setenv("PGPASSFILE", str(file))
        case _:
            url += f"&passfile={file}"
    async with opened(url) as store:
        await store.load()


async def test_a_password_that_was_changed_is_read_anew(
    guarded_postgresql: GuardedPostgresql,
) -> None:
    given = ["wrong-canary", PASSWORD]
    store = PostgresqlStore(
        guarded_postgresql.fresh(sslmode="require"),
        Access.OWN,
        password=lambda: given.pop(0) if len(given) > 1 else given[0],
    )
    try:
        with pytest.raises(StoreLost, match="password authentication failed"):
            await store.load()
        await commit_anyhow(store, Step(events=(EVENT,)))
    finally:
        await store.close()


@pytest.fixture(scope="module")
def strange_ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return issue(tmp_path_factory.mktemp("strange")).ca_file


@dataclass(frozen=True, slots=True)
class Attempt:
    """How somebody tries to connect; as it stands, all is well but for the authority."""

    host: str = "127.0.0.1"
    sslmode: str = "verify-full"
    ca: str = ""
    password: str = PASSWORD
    more: str = ""
    port: int = 0
    is_open: bool = False  # whether the server speaks no TLS


@pytest.mark.parametrize(
    ("attempt", "said", "remedy"),
    [
        (
            Attempt(password="wrong-canary"),
            "password authentication failed",
            "daemon.database_password",
        ),
        (Attempt(password=""), "no password supplied", "daemon.database_password"),
        (Attempt(ca="strange"), "certificate verify failed", "whom sslrootcert names"),
        (
            Attempt("elsewhere.test", more="&hostaddr=127.0.0.1"),
            "does not match host name",
            "Name the server as its certificate does",
        ),
        (Attempt(ca="/no/such/ca.pem"), "root certificate file", "Name in sslrootcert"),
        (Attempt(sslmode="require", is_open=True), "does not support SSL", "Turn on ssl"),
        (Attempt(sslmode="disable"), "no pg_hba.conf entry", "pg_hba.conf"),
        (Attempt(port=1), "refused", "Does the server run"),
        (Attempt("no-such-host.invalid"), "no-such-host.invalid", "does DNS know it"),
    ],
)
async def test_what_keeps_it_from_connecting_is_said_with_place_and_remedy(
    attempt: Attempt,
    said: str,
    remedy: str,
    guarded_postgresql: GuardedPostgresql,
    strange_ca: Path,
) -> None:
    ours = str(guarded_postgresql.ca_file)
    ca = {"": ours, "strange": str(strange_ca)}.get(attempt.ca, attempt.ca)
    url = guarded_postgresql.fresh(attempt.host, sslmode=attempt.sslmode, sslrootcert=ca)
    if attempt.port:
        url = url.replace(f":{guarded_postgresql.server.port}/", f":{attempt.port}/")
    mode = guarded_postgresql.in_the_open() if attempt.is_open else nullcontext()
    store = PostgresqlStore(url + attempt.more, Access.OWN, password=lambda: attempt.password)
    try:
        with mode, pytest.raises(StoreError) as refused:
            await store.load()
    finally:
        await store.close()
    told = str(refused.value)
    assert told.startswith(f"postgresql://{ROLE}@{attempt.host}:")
    assert said in told
    assert remedy in told
    assert "canary" not in told


async def test_a_password_that_is_not_where_it_should_be_is_said_so(
    guarded_postgresql: GuardedPostgresql,
) -> None:
    def missing() -> str:
        raise PasswordUnavailable("/run/secret cannot be read: No such file or directory")

    store = PostgresqlStore(guarded_postgresql.fresh(), Access.OWN, password=missing)
    with pytest.raises(StoreError, match=r"/run/secret cannot be read"):
        await store.load()
    await store.close()


@pytest.fixture
def line(shared_postgresql: Postgresql) -> Iterator[Line]:
    with line_to(shared_postgresql.socket) as running:
        yield running


def by(line: Line, server: Postgresql) -> str:
    """Return the URL of a new schema at the end of a line."""
    options = server.fresh().rpartition("options=")[2]
    return (
        f"postgresql://monitor@127.0.0.1:{line.port}/postgres"
        f"?sslmode=disable&connect_timeout=2&options={options}"
    )


async def test_a_line_that_swallows_what_is_sent_is_noticed_in_time(
    line: Line, shared_postgresql: Postgresql
) -> None:
    async with opened(by(line, shared_postgresql)) as store:
        await store.commit(Step((KNOWN,)))
        (domain,) = (await store.load()).domains.values()
        with line.silent():
            began = monotonic()
            with pytest.raises(StoreLost, match="silent for 1 seconds"):
                await store.commit(Step(events=(EVENT,)))
            assert monotonic() - began < 10
            with pytest.raises(StoreLost):
                await asyncio.to_thread(domain.resolvers.items)
        await commit_anyhow(store, Step(events=(EVENT,)))
        assert [r.seq for r in await store.records(after=0, limit=9)] == [1]


@pytest.mark.parametrize("cut", Cut)
@pytest.mark.parametrize("sent", [b"INSERT INTO event", b"COMMIT"])
async def test_a_line_that_is_cut_loses_no_step_and_doubles_none(
    cut: Cut, sent: bytes, line: Line, shared_postgresql: Postgresql
) -> None:
    url = by(line, shared_postgresql)
    async with opened(url) as store:
        await store.load()
        line.cut = (sent, cut)
        for _ in range(3):
            await commit_anyhow(store, Step((KNOWN,), events=(EVENT, EVENT)))
        assert line.cuts == 1
        records = await store.records(after=0, limit=99)
        assert [record.seq for record in records] == list(range(1, 7))
        assert first_tampered(records) is None
        assert (await store.load()).domains == {DOMAIN: KNOWN}
