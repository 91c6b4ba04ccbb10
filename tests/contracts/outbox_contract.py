"""What every store promises of notices, as tests that each store's own class takes over."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Protocol, TypeAlias

import pytest

from monitor.core.notices.deciding import with_notices
from monitor.core.notices.policy import Route
from monitor.core.state import State, Step
from monitor.core.status import DomainStatus, Fault
from monitor.core.told import Handed, Letter, Notice, PostState
from monitor.core.tracking.changes import ChangeState
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.tracks import TrackState
from monitor.ports import Outbox, Store, StoreError
from tests.core.notices.samples import OTHER, change, domain, policy, track
from tests.core.samples import DOMAIN, MINUTE, RIGHT, START, WRONG

RULES = policy(Route("oncall"), Route("chat"))
LATE = track("r1", TrackState.OVERSTAY, Reason.OVERRIDE)
BROKEN = domain(
    DomainStatus.BROKEN,
    *(WRONG,) * 8,
    faults=frozenset({Fault.BOUND_TWICE}),
    changes=(change(ChangeState.PROPAGATING, LATE),),
)
FINE = domain(DomainStatus.IN_EFFECT, *(RIGHT,) * 8)
LATER = START + MINUTE


class Kept(Store, Outbox, Protocol):
    """A store that is an outbox too."""


Open: TypeAlias = Callable[[], Kept]


def broken() -> Step:
    """Return a step on whose account two channels are told of one domain."""
    return with_notices(State(), Step((BROKEN,)), RULES, START)


def sent(letter: Letter, bundle: str | None = None) -> Letter:
    return replace(letter, state=PostState.SENT, done_at=LATER, attempts=1, bundle=bundle)


class OutboxContract:
    """A store's own tests say how it is opened, also a second time: `open_store`."""

    @pytest.fixture
    async def store(self, open_store: Open) -> AsyncIterator[Kept]:
        opened = open_store()
        yield opened
        await opened.close()

    async def test_a_new_outbox_is_empty(self, store: Kept) -> None:
        assert await store.waiting(10) == ()
        assert await store.handed(START, "oncall") == ()

    async def test_notices_wait_as_they_were_decided_oldest_first(self, open_store: Open) -> None:
        first, step = open_store(), broken()
        await first.commit(step)
        await first.close()
        second = open_store()
        assert await second.waiting(10) == tuple(Letter(n, START) for n in step.notices)
        assert await second.waiting(1) == (Letter(step.notices[0], START),)
        assert await second.waiting(10, "chat") == (Letter(step.notices[1], START),)
        await second.close()

    async def test_what_was_told_is_known_after_a_restart(self, open_store: Open) -> None:
        first, step = open_store(), broken()
        await first.commit(step)
        await first.close()
        second = open_store()
        assert (await second.load()).told == {told.key: told for told in step.told}
        assert len(step.told) == 2
        await second.close()

    async def test_what_was_told_is_replaced_and_forgotten(self, store: Kept) -> None:
        await store.commit(broken())
        state = await store.load()
        over = with_notices(state, Step((FINE,)), RULES, LATER)
        await store.commit(over)
        assert (await store.load()).told == {told.key: told for told in over.told}
        await store.commit(Step(untold=frozenset({("oncall", DOMAIN)})))
        assert set((await store.load()).told) == {("chat", DOMAIN)}

    async def test_a_step_that_is_not_kept_leaves_no_notice(self, store: Kept) -> None:
        step = broken()
        twice = replace(step, notices=(*step.notices, step.notices[0]))
        with pytest.raises(StoreError):
            await store.commit(twice)
        assert await store.waiting(10) == ()
        assert await store.load() == State()

    async def test_what_was_sent_or_given_up_waits_no_more(self, store: Kept) -> None:
        await store.commit(broken())
        first, second = await store.waiting(10)
        failed = replace(second, state=PostState.FAILED, done_at=LATER, attempts=9)
        await store.commit(Step(letters=(sent(first), failed)))
        assert await store.waiting(10) == ()

    async def test_an_attempt_and_a_bundle_are_remembered(self, store: Kept) -> None:
        await store.commit(broken())
        first, second = await store.waiting(10)
        tried = replace(first, attempts=2, next_at=LATER, bundle="together")
        await store.commit(Step(letters=(tried,)))
        assert await store.waiting(10) == (tried, second)

    async def test_it_is_known_who_was_told_of_late(self, store: Kept) -> None:
        await store.commit(broken())
        first, second = await store.waiting(10)
        await store.commit(Step(letters=(sent(first, "together"), sent(second))))
        assert await store.handed(LATER, "oncall") == (Handed(DOMAIN, "together", LATER),)
        assert await store.handed(LATER, "chat") == (Handed(DOMAIN, None, LATER),)
        assert await store.handed(LATER + MINUTE, "chat") == ()

    async def test_what_was_given_up_was_taken_by_nobody(self, store: Kept) -> None:
        await store.commit(broken())
        first, _ = await store.waiting(10)
        failed = replace(first, state=PostState.FAILED, done_at=LATER)
        await store.commit(Step(letters=(failed,)))
        assert await store.handed(START, "oncall") == ()

    async def test_of_what_was_sent_long_ago_nothing_is_left(self, store: Kept) -> None:
        await store.commit(broken())
        first, second = await store.waiting(10)
        await store.commit(Step(letters=(sent(first),)))
        much_later = replace(sent(second), done_at=LATER + timedelta(days=2))
        await store.commit(Step(letters=(much_later,)))
        assert await store.handed(START, "oncall") == ()
        assert len(await store.handed(START, "chat")) == 1

    async def test_a_notice_without_facts_is_kept_too(self, store: Kept) -> None:
        step = broken()
        bare = Notice("K", "oncall", OTHER, step.notices[0].reason, step.notices[0].concern, START)
        await store.commit(Step(notices=(bare,)))
        assert await store.waiting(10) == (Letter(bare, START),)
