"""What every store promises, as tests that each store's own class takes over."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TypeAlias, cast

import pytest

from monitor.core.answers import Answer, ExtendedError, NoAnswer, NoAnswerReason, Rcode
from monitor.core.bindings import Binding, NameTarget
from monitor.core.events import Event, EventType, Json
from monitor.core.hysteresis import Settled
from monitor.core.inventory import AccountInventory, Failure, FailureReason, Scope
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step
from monitor.core.status import DomainStatus, Fault
from monitor.core.views import View
from monitor.ports import Store, Withdrawn
from tests.contracts.followed import changes, stages
from tests.core.samples import BINDING, DOMAIN, MINUTE, RIGHT, START, WRONG, sighting
from tests.core.tampered import first_tampered

Open: TypeAlias = Callable[[], Store]


def event(number: int = 0, domain: DomainName | None = DOMAIN) -> Event:
    data: dict[str, Json] = {"nr": number, "text": "例子", "nested": {"a": 1.5}, "none": None}
    return Event(
        EventType.STATUS, START + number * MINUTE, domain, data=data, evidence=({"x": 1},)
    )


def seen(server: str, outcome: Answer | NoAnswer) -> View:
    return View(sighting(server, outcome), START)


EXPLAINED = replace(
    WRONG,
    extended_errors=(ExtendedError(3, "stale"), ExtendedError(4711)),
    nsid="pop-1",
    subnet_scope=24,
    negative_ttl=60,
    soa_owner=DomainName("shop.example"),
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
        "right": seen("right", RIGHT),
        "explained": seen("explained", EXPLAINED),
        **{code.name: seen(code.name, Answer(code)) for code in Rcode},
        **{why.value: seen(why.value, NoAnswer(why, "because")) for why in NoAnswerReason},
    },
    authorities={"ns1 (127.0.0.1:53)": seen("ns1 (127.0.0.1:53)", RIGHT)},
    records={record.key: record for record in (stages()[-1], stages(view="192.0.2.0/24")[9])},
)
CHANGES = changes()
ACCOUNT = AccountInventory(
    "shop", (BINDING,), START, (Failure(FailureReason.DENIED, Scope.BUCKET, "b", "why"),)
)


class StoreContract:
    """A store's own tests say how it is opened, also a second time: `open_store`."""

    @pytest.fixture
    async def store(self, open_store: Open) -> AsyncIterator[Store]:
        opened = open_store()
        yield opened
        await opened.close()

    async def test_a_new_store_knows_nothing(self, store: Store) -> None:
        assert await store.load() == State()
        assert await store.records(after=0, limit=10) == ()
        assert await store.history(DOMAIN, limit=10) == ()

    async def test_everything_that_was_committed_is_there_after_a_restart(
        self, open_store: Open
    ) -> None:
        first = open_store()
        await first.commit(Step(domains=(FULL,), accounts=(ACCOUNT,), events=(event(),)))
        await first.close()
        second = open_store()
        assert await second.load() == State({"shop": ACCOUNT}, {DOMAIN: FULL})
        (record,) = await second.records(after=0, limit=10)
        assert (record.event.data, record.event.at) == (event().data, START)
        assert first_tampered([record]) is None
        await second.close()

    async def test_a_later_step_replaces_the_whole_domain(self, store: Store) -> None:
        await store.commit(Step(domains=(FULL,)))
        bare = DomainState(DOMAIN, BINDING, START)
        await store.commit(Step(domains=(bare,)))
        assert (await store.load()).domains == {DOMAIN: bare}

    async def test_what_a_step_forgets_is_gone(self, store: Store) -> None:
        other, second = DomainName("other.example"), AccountInventory("second")
        kept = DomainState(other, None, START)
        await store.commit(Step(domains=(FULL, kept), accounts=(ACCOUNT, second)))
        await store.commit(Step(forgotten=frozenset({DOMAIN}), closed=frozenset({"shop"})))
        assert await store.load() == State({"second": second}, {other: kept})

    async def test_a_domain_that_comes_back_brings_no_old_answers_along(
        self, store: Store
    ) -> None:
        await store.commit(Step(domains=(FULL,)))
        await store.commit(Step(forgotten=frozenset({DOMAIN})))
        bare = DomainState(DOMAIN, BINDING, START)
        await store.commit(Step(domains=(bare,)))
        assert (await store.load()).domains == {DOMAIN: bare}

    async def test_a_step_that_cannot_be_kept_whole_is_not_kept_at_all(self, store: Store) -> None:
        await store.commit(Step(accounts=(ACCOUNT,), events=(event(1),)))
        before = await store.load()
        unwritable = Event(EventType.STATUS, START, DOMAIN, data={"x": cast("Json", object())})
        with pytest.raises(TypeError):
            await store.commit(Step(domains=(FULL,), events=(event(2), unwritable)))
        assert await store.load() == before
        (record,) = (await store.commit(Step(events=(event(3),)))).records
        assert record.seq == 2
        assert first_tampered(await store.records(after=0, limit=10)) is None

    async def test_a_step_that_was_withdrawn_is_not_kept_and_the_next_one_is(
        self, store: Store
    ) -> None:
        step = Step(domains=(FULL,), events=(event(1),))
        store.withdraw(step)
        with pytest.raises(Withdrawn):
            await store.commit(step)
        assert await store.load() == State()
        (record,) = (await store.commit(Step(events=(event(1),)))).records
        assert record.seq == 1

    async def test_records_are_numbered_without_a_gap_and_chained_over_a_restart(
        self, open_store: Open
    ) -> None:
        first = open_store()
        committed = [*(await first.commit(Step(events=(event(1), event(2))))).records]
        await first.close()
        second = open_store()
        committed += (await second.commit(Step(events=(event(3),)))).records
        assert [record.seq for record in committed] == [1, 2, 3]
        kept = await second.records(after=0, limit=10)
        assert [record.hash for record in kept] == [record.hash for record in committed]
        assert first_tampered(kept) is None
        await second.close()

    async def test_history_is_of_one_domain_newest_first_and_limited(self, store: Store) -> None:
        other = DomainName("other.example")
        events = (event(1), event(2, other), event(3), event(4, None), event(5))
        await store.commit(Step(events=events))
        assert [r.event.data["nr"] for r in await store.history(DOMAIN, limit=2)] == [5, 3]
        assert [r.event.data["nr"] for r in await store.history(other, limit=9)] == [2]
        assert [r.seq for r in await store.history(DOMAIN, limit=9, before=5)] == [3, 1]
        assert await store.history(DOMAIN, limit=9, before=1) == ()

    async def test_one_domain_can_be_had_alone(self, store: Store) -> None:
        other = DomainState(DomainName("other.example"), None, START)
        await store.commit(Step(domains=(FULL, other)))
        assert await store.domain(DOMAIN) == FULL
        assert await store.domain(DomainName("nobody.example")) is None

    async def test_changes_are_kept_over_a_restart_and_told_newest_first(
        self, open_store: Open
    ) -> None:
        first = open_store()
        await first.commit(Step(changes=CHANGES))
        await first.close()
        second = open_store()
        assert await second.changes(limit=10) == tuple(reversed(CHANGES))
        newest = await second.changes(limit=1)
        assert newest == CHANGES[-1:]
        assert await second.changes(limit=10, before=newest[0].id) == tuple(reversed(CHANGES[:-1]))
        is_open = tuple(c for c in reversed(CHANGES) if c.state.is_open)
        assert await second.changes(limit=10, only_open=True) == is_open
        assert 0 < len(is_open) < len(CHANGES)
        assert await second.changes(limit=10, domain=DOMAIN) == tuple(reversed(CHANGES))
        assert await second.changes(limit=10, domain=DomainName("other.example")) == ()
        await second.close()

    async def test_a_change_is_found_by_its_id_in_its_newest_form(self, store: Store) -> None:
        change = CHANGES[0]
        await store.commit(Step(changes=(change,)))
        later = replace(change, note="later")
        await store.commit(Step(changes=(later,)))
        assert await store.change(change.id) == later
        assert await store.change("01ARZ3NDEKTSV4RRFFQ69G5FAV") is None

    async def test_a_change_outlives_its_domain(self, store: Store) -> None:
        await store.commit(Step(domains=(FULL,), changes=CHANGES))
        await store.commit(Step(forgotten=frozenset({DOMAIN})))
        assert await store.change(CHANGES[0].id) == CHANGES[0]

    async def test_the_story_of_a_change_is_told_oldest_first(self, store: Store) -> None:
        number = CHANGES[0].id
        told = tuple(replace(event(n), change=number if n % 2 else None) for n in range(6))
        await store.commit(Step(events=told))
        assert [r.event.data["nr"] for r in await store.story(number, limit=2)] == [1, 3]
        assert [r.event.data["nr"] for r in await store.story(number, limit=9, after=2)] == [3, 5]
        assert await store.story(number, limit=9, after=6) == ()

    async def test_records_follow_a_number_in_order(self, store: Store) -> None:
        await store.commit(Step(events=tuple(event(number) for number in range(5))))
        assert [record.seq for record in await store.records(after=2, limit=2)] == [3, 4]
        assert await store.records(after=5, limit=2) == ()
