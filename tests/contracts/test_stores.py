"""What every store promises; the fake is held to the same."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.answers import Answer, ExtendedError, NoAnswer, NoAnswerReason, Rcode
from monitor.core.bindings import Binding, NameTarget
from monitor.core.events import Event, EventType, first_tampered
from monitor.core.hysteresis import Settled
from monitor.core.inventory import AccountInventory, Failure, FailureReason, Scope
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step
from monitor.core.status import DomainStatus, Fault, View
from monitor.ports import Store
from tests.core.samples import BINDING, DOMAIN, MINUTE, RIGHT, START, WRONG, sighting
from tests.fakes.memory_store import MemoryStore

Open = Callable[[], Store]


@pytest.fixture(params=["sqlite", "memory"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Return how to open the one store of this test, also a second time."""
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "test.db")
    memory = MemoryStore()
    return lambda: memory


@pytest.fixture
async def store(open_store: Open) -> AsyncIterator[Store]:
    opened = open_store()
    yield opened
    await opened.close()


def event(number: int = 0, domain: DomainName | None = DOMAIN) -> Event:
    data: dict[str, Any] = {"nr": number, "text": "例子", "nested": {"a": 1.5}, "none": None}
    return Event(
        EventType.STATUS, START + number * MINUTE, domain, data=data, evidence=({"x": 1},)
    )


FULL = DomainState(
    domain=DOMAIN,
    binding=replace(
        BINDING,
        labels=(("team", "web"),),
        is_enabled=False,
        bound_at=START,
        certificate_expires_at=START + MINUTE,
    ),
    since=START,
    rivals=(Binding(DOMAIN, NameTarget(DomainName("other.example")), "second"),),
    status=Settled(DomainStatus.PARTIAL, 1),
    split=Settled(value=True),
    faults=frozenset({Fault.BOUND_TWICE, Fault.AUTHORITY_SPLIT}),
    resolvers={
        "right": View(sighting("right", RIGHT), START),
        "explained": View(
            sighting(
                "explained",
                replace(
                    WRONG,
                    extended_errors=(ExtendedError(3, "stale"), ExtendedError(4711)),
                    nsid="pop-1",
                    subnet_scope=24,
                    negative_ttl=60,
                    soa_owner=DomainName("shop.example"),
                ),
            ),
            START,
        ),
        "refusing": View(sighting("refusing", Answer(Rcode.REFUSED)), START),
        **{
            reason.value: View(sighting(reason.value, NoAnswer(reason, "why")), START)
            for reason in NoAnswerReason
        },
    },
    authorities={"ns1 (127.0.0.1:53)": View(sighting("ns1 (127.0.0.1:53)", RIGHT), START)},
)
ACCOUNT = AccountInventory(
    "shop", (BINDING,), START, (Failure(FailureReason.DENIED, Scope.BUCKET, "b", "why"),)
)


async def test_a_new_store_knows_nothing(store: Store) -> None:
    assert await store.load() == State()
    assert await store.records(after=0, limit=10) == ()
    assert await store.history(DOMAIN, limit=10) == ()


async def test_everything_that_was_committed_is_there_after_a_restart(open_store: Open) -> None:
    first = open_store()
    await first.commit(Step(domains=(FULL,), accounts=(ACCOUNT,), events=(event(),)))
    await first.close()
    second = open_store()
    assert await second.load() == State({"shop": ACCOUNT}, {DOMAIN: FULL})
    (record,) = await second.records(after=0, limit=10)
    assert (record.event.data, record.event.at) == (event().data, START)
    assert first_tampered([record]) is None
    await second.close()


async def test_a_later_step_replaces_the_whole_domain(store: Store) -> None:
    await store.commit(Step(domains=(FULL,)))
    bare = DomainState(DOMAIN, BINDING, START)
    await store.commit(Step(domains=(bare,)))
    assert (await store.load()).domains == {DOMAIN: bare}


async def test_what_a_step_forgets_is_gone(store: Store) -> None:
    await store.commit(Step(domains=(FULL,), accounts=(ACCOUNT,)))
    await store.commit(Step(forgotten=frozenset({DOMAIN}), closed=frozenset({"shop"})))
    assert await store.load() == State()


async def test_records_are_numbered_without_a_gap_and_chained_over_a_restart(
    open_store: Open,
) -> None:
    first = open_store()
    committed = [*await first.commit(Step(events=(event(1), event(2))))]
    await first.close()
    second = open_store()
    committed += await second.commit(Step(events=(event(3),)))
    assert [record.seq for record in committed] == [1, 2, 3]
    kept = await second.records(after=0, limit=10)
    assert [record.hash for record in kept] == [record.hash for record in committed]
    assert first_tampered(kept) is None
    await second.close()


async def test_history_is_of_one_domain_newest_first_and_limited(store: Store) -> None:
    other = DomainName("other.example")
    events = (event(1), event(2, other), event(3), event(4, None), event(5))
    await store.commit(Step(events=events))
    assert [r.event.data["nr"] for r in await store.history(DOMAIN, limit=2)] == [5, 3]
    assert [r.event.data["nr"] for r in await store.history(other, limit=9)] == [2]


async def test_records_follow_a_number_in_order(store: Store) -> None:
    await store.commit(Step(events=tuple(event(number) for number in range(5))))
    assert [record.seq for record in await store.records(after=2, limit=2)] == [3, 4]
    assert await store.records(after=5, limit=2) == ()


NAMES = st.sampled_from([DOMAIN, *(DomainName(f"d{n}.example") for n in range(3))])


class SqliteAgainstADict(RuleBasedStateMachine):
    """Whatever steps come, and however often it is reopened, it knows what a dict would."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "machine.db"
        self._runner = asyncio.Runner()
        self._store = SqliteStore(self._path)
        self.expected: dict[DomainName, DomainState] = {}
        self.events = 0

    @rule(names=st.sets(NAMES), status=st.sampled_from(DomainStatus), told=st.integers(0, 3))
    def commit(self, names: set[DomainName], status: DomainStatus, told: int) -> None:
        domains = tuple(
            replace(FULL, status=Settled(status))
            if name == DOMAIN
            else DomainState(name, None, START, status=Settled(status))
            for name in names
        )
        self._run(self._store.commit(Step(domains, events=tuple(map(event, range(told))))))
        self.expected |= {domain.domain: domain for domain in domains}
        self.events += told

    @rule(names=st.sets(NAMES))
    def forget(self, names: set[DomainName]) -> None:
        self._run(self._store.commit(Step(forgotten=frozenset(names))))
        self.expected = {n: d for n, d in self.expected.items() if n not in names}

    @rule()
    def reopen(self) -> None:
        self._run(self._store.close())
        self._store = SqliteStore(self._path)

    @invariant()
    def knows_what_a_dict_knows(self) -> None:
        assert self._run(self._store.load()).domains == self.expected
        records = self._run(self._store.records(after=0, limit=10_000))
        assert len(records) == self.events
        assert first_tampered(records) is None

    def teardown(self) -> None:
        self._run(self._store.close())
        self._runner.close()
        self._folder.cleanup()

    def _run(self, work: Any) -> Any:
        return self._runner.run(work)


TestSqliteAgainstADict = SqliteAgainstADict.TestCase
TestSqliteAgainstADict.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
