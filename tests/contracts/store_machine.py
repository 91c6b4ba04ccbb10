"""A store beside a plain value: whatever steps come, both know the same."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from monitor.core.events import Event
from monitor.core.inventory import AccountInventory
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step
from monitor.ports import Store, StoreLost
from tests.contracts.values import ACCOUNTS, EVENTS, NAMES, domain_states
from tests.core.properties import REPEATABLE
from tests.core.tampered import first_tampered

T = TypeVar("T")

_ATTEMPTS = 20
_PAUSE = 0.5  # seconds

# What fails is told as it was found: smaller ones take a database for each try, and minutes.
MACHINE_SETTINGS = settings(
    REPEATABLE,
    max_examples=30,
    stateful_step_count=10,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)


class StoreMachine(RuleBasedStateMachine):
    """Each store says how it is opened, also again."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._store = self.open()
        self._state = State()
        self._events: list[Event] = []

    def open(self) -> Store:
        raise NotImplementedError

    @rule(
        domains=st.lists(domain_states(), max_size=3, unique_by=lambda state: state.domain),
        accounts=st.lists(ACCOUNTS, max_size=2, unique_by=lambda account: account.account),
        events=st.lists(EVENTS, max_size=3),
    )
    def commit(
        self,
        domains: Iterable[DomainState],
        accounts: Iterable[AccountInventory],
        events: Iterable[Event],
    ) -> None:
        self._commit(Step(tuple(domains), accounts=tuple(accounts), events=tuple(events)))

    @rule(names=st.frozensets(NAMES), closed=st.frozensets(st.sampled_from(["shop", "second"])))
    def forget(self, names: frozenset[DomainName], closed: frozenset[str]) -> None:
        self._commit(Step(forgotten=names, closed=closed))

    @rule()
    def reopen(self) -> None:
        self._run(self._store.close)
        self._store = self.open()

    @invariant()
    def knows_the_same_state(self) -> None:
        assert _patiently(lambda: self._run(self._store.load) == self._state)

    @invariant()
    def tells_the_same_story(self) -> None:
        records = self._run(partial(self._store.records, after=0, limit=10_000))
        assert first_tampered(records) is None
        assert [_plain(record.event) for record in records] == list(map(_plain, self._events))
        for domain in {event.domain for event in self._events if event.domain}:
            history = self._run(partial(self._store.history, domain, limit=10_000))
            assert history == tuple(r for r in reversed(records) if r.event.domain == domain)

    def teardown(self) -> None:
        self._run(self._store.close)
        self._runner.close()

    def _commit(self, step: Step) -> None:
        self._run(partial(self._store.commit, step))
        self._state = self._state.after(step)
        self._events.extend(step.events)

    def _run(self, work: Callable[[], Awaitable[T]]) -> T:
        async def awaited() -> T:
            return await work()

        return _patiently(lambda: self._runner.run(awaited()))


def _patiently(look: Callable[[], T]) -> T:
    """Do what callers do while a server does not answer: wait, and ask it again."""
    for _ in range(_ATTEMPTS):
        with suppress(StoreLost):
            return look()
        time.sleep(_PAUSE)
    return look()


def _plain(event: Event) -> tuple[object, ...]:
    # A store may give back lists for tuples: to JSON they are the same.
    told = json.dumps((event.data, event.evidence), sort_keys=True)
    return (event.type, event.at, event.domain, event.resolver, event.change, told)
