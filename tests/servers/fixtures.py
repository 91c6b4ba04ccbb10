"""The lab as fixtures."""

from collections.abc import Iterator

import pytest

from monitor.demo.ports import free_port
from tests.servers.certificates import Certificate, issue
from tests.servers.guarded_postgresql import GuardedPostgresql
from tests.servers.lab import Authorities, Lab, standing_authorities, standing_lab
from tests.servers.postgresql import Postgresql, postgresql


@pytest.fixture(scope="session")
def dns_certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """What the encrypted caches of this run show, and the authority that vouches for it."""
    return issue(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def lab(dns_certificate: Certificate) -> Iterator[Lab]:
    """The standing lab, shared by the whole run: ask it, but leave it as it is."""
    with standing_lab(dns_certificate) as running:
        yield running


@pytest.fixture(scope="session")
def shared_postgresql() -> Iterator[Postgresql]:
    """A server for the whole run: take a fresh schema of it, and leave it running.

    On a busy machine it may be slower than a daemon's loop would wait for.
    """
    with postgresql("-cfsync=off") as running, pytest.MonkeyPatch.context() as patch:
        patch.setattr("monitor.adapters.stores.postgresql._LOOP_PATIENCE", 5.0)
        yield running


@pytest.fixture(scope="session")
def guarded_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedPostgresql]:
    """A server for the whole run that wants TLS and a password of whoever comes by TCP."""
    certificate = issue(tmp_path_factory.mktemp("database"))
    with postgresql("-cfsync=off", port=free_port(["127.0.0.1"])) as running:
        yield GuardedPostgresql.of(running, certificate)


@pytest.fixture
def own_postgresql() -> Iterator[Postgresql]:
    """A server for one test alone, which may end and silence it."""
    with postgresql() as running:
        yield running


@pytest.fixture
def own_lab(dns_certificate: Certificate) -> Iterator[Lab]:
    """A lab for one test alone, which may change zones and silence servers."""
    with standing_lab(dns_certificate) as running:
        yield running


@pytest.fixture
def own_authorities() -> Iterator[Authorities]:
    """The authorities of a lab for one test alone, which brings caches of its own habits."""
    with standing_authorities() as running:
        yield running
