"""A site over the sample fleet, and a reader who asks it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from monitor.assembly.reporting import StoredReports
from monitor.core.events import Record
from monitor.core.names import DomainName
from monitor.core.state import DomainState
from monitor.core.tracking.changes import Change
from monitor.entrypoints.metrics import StateMetrics
from monitor.entrypoints.web.access import OPEN_TO_THIS_MACHINE, Rules
from monitor.entrypoints.web.app import Site, create_app
from monitor.entrypoints.web.feed import Feed
from monitor.entrypoints.web.gate import Access
from monitor.entrypoints.web.passwords import Passwords
from monitor.entrypoints.web.refusals import Refusals
from monitor.entrypoints.web.tokens import TokenRing
from monitor.ports import StoreError
from monitor.usecases.announce import Announcement, NotAnnounced
from monitor.usecases.snapshot import Snapshot
from tests.entrypoints.sample import NOW, sample_history, sample_snapshot
from tests.fakes.memory_store import MemoryStore

LISTENER = "http://127.0.0.1:9953"


class Reloads:
    """Counts reloads, which end with the faults it was given."""

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        self.count = 0

    async def __call__(self) -> tuple[str, ...]:
        self.count += 1
        return self.faults


class Drops:
    """Counts who follows the events now, and remembers why others do not."""

    def __init__(self) -> None:
        self.followers = 0
        self.reasons: list[str] = []

    def following(self, change: int) -> None:
        self.followers += change

    def dropped(self, reason: str) -> None:
        self.reasons.append(reason)


def access_of(
    rules: Rules = OPEN_TO_THIS_MACHINE, count: Callable[[str], None] = lambda _reason: None
) -> Access:
    """Return an access by rules that stay."""
    return Access(lambda: rules, Passwords(), TokenRing(), Refusals(count, lambda: NOW))


def site_of(
    snapshot: Snapshot | None = None,
    max_pairs: int = 50_000,
    rules: Rules = OPEN_TO_THIS_MACHINE,
) -> Site:
    """Return a site that shows the snapshot, is ready, and by default open to this machine."""
    shown = snapshot or sample_snapshot()
    store = MemoryStore()
    return Site(
        snapshot=lambda: shown,
        history=_history,
        changes=store,
        feed=Feed(store.records, 100, Drops()),
        reports=StoredReports(store, lambda: shown.resolvers),
        announce=_announce,
        registry=CollectorRegistry(),
        state_metrics=StateMetrics(lambda: shown, max_pairs).pieces,
        is_ready=lambda: True,
        is_keeping=lambda: True,
        reload=Reloads(),
        access=access_of(rules),
    )


def reader(site: Site, headers: Mapping[str, str] | None = None) -> TestClient:
    """Return who asks the site on a loopback listener, as curl would unless headers say more."""
    return TestClient(
        create_app(site),
        base_url=LISTENER,
        headers=dict(headers or {}),
        raise_server_exceptions=False,
        follow_redirects=False,
    )


def snapshot_with(*domains: DomainState) -> Snapshot:
    """Return the sample with these domains in place of those of the same name."""
    sample = sample_snapshot()
    known: Mapping[DomainName, DomainState] = sample.state.domains
    changed = {domain.domain: domain for domain in domains}
    return replace(sample, state=replace(sample.state, domains={**known, **changed}))


async def unreadable(
    domain: DomainName, limit: int, before: int | None = None
) -> tuple[Record, ...]:
    """Stand for a store that cannot give its history."""
    raise StoreError("database disk image is malformed: /var/lib/secret.db")


async def _announce(announcement: Announcement) -> Change:
    raise NotAnnounced(f"{announcement.domain} is not watched")


async def _history(
    domain: DomainName, limit: int, before: int | None = None
) -> tuple[Record, ...]:
    told = sample_history(domain)
    return tuple(record for record in told if before is None or record.seq < before)[:limit]
