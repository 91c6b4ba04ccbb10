"""Follow the changes that are under way: ask just when an answer can be new."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

import structlog

from monitor.core.domain_tracking import (
    Followers,
    agendas,
    track_resolvers,
    track_restart,
    track_time,
)
from monitor.core.names import DomainName
from monitor.core.state import (
    DomainState,
    RoundPolicy,
    State,
    Step,
    in_turn,
    joined,
    see_resolvers,
)
from monitor.core.tracking.record import is_any_followed
from monitor.core.views import Sighting
from monitor.ledger import Ledger
from monitor.ports import Clock, StoreLost
from monitor.usecases.ask import Panel
from monitor.usecases.errands import Errands
from monitor.usecases.together import MOST_OF_ONE_RECORD, Together

log = structlog.get_logger()

# Answers that come together are recorded together: one transaction, seldom enough for any disk.
_SECONDS_BETWEEN_RECORDS = 0.1
_AFTER_A_FAILURE = timedelta(seconds=5)
_AT_LEAST = timedelta(milliseconds=10)


_Track: TypeAlias = Callable[[DomainState, Followers, datetime], Step]


class _Whom:
    """Names that no resolver can have."""

    AUTHORITIES = "\0authorities"
    TIME = "\0time"


@dataclass(slots=True)
class Follow:
    """Runs until it is cancelled; what it does follows from the ledger's state alone.

    Of each resolver, and of the authorities, `abreast` domains are asked about at a time.
    """

    ledger: Ledger
    panel: Panel
    followers: Followers
    policy: RoundPolicy
    clock: Clock
    ask_authorities: Callable[[Collection[DomainName]], Awaitable[None]]
    abreast: int = 100
    _errands: Mapping[str, Errands] = field(init=False)  # by whom
    _seen: dict[DomainName, list[Sighting]] = field(default_factory=dict)
    _later: asyncio.Event = field(default_factory=asyncio.Event)
    _brought: asyncio.Event = field(default_factory=asyncio.Event)
    _timed: Together[DomainName] = field(init=False)

    def __post_init__(self) -> None:
        self._timed = Together(self._record_that_time_has_passed, lambda domain: domain)
        rest, asked = self._longest_rest(), (*self.followers.resolvers, _Whom.AUTHORITIES)
        self._errands = {whom: Errands(self.abreast, rest) for whom in asked} | {
            _Whom.TIME: Errands(MOST_OF_ONE_RECORD, rest)  # which nobody is asked for
        }

    async def run(self) -> None:
        """Take up what is open, then do each errand when it is due."""
        await self._restart()
        self.ledger.listen(self._replan)
        try:
            for followed in self._followed(self.ledger.state):
                self._plan(followed)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._record_what_is_brought())
                while True:
                    for whom, domain in self._taken(self.clock.now()):
                        group.create_task(self._do(whom, domain))
                    await self._wait()
        finally:
            self.ledger.unlisten(self._replan)

    async def _restart(self) -> None:
        names = [domain.domain for domain in self._followed(self.ledger.state)]
        for start in range(0, len(names), MOST_OF_ONE_RECORD):
            part = names[start : start + MOST_OF_ONE_RECORD]
            decide = partial(self._tracked, about=part, track=track_restart)
            await self.ledger.record(decide, about=part)

    def _followed(self, state: State) -> list[DomainState]:
        now = self.clock.now()
        return [d for d in state.domains.values() if is_any_followed(d.records, now)]

    def _replan(self, step: Step) -> None:
        for domain in step.domains:
            self._plan(domain)
        for errands in self._errands.values():
            errands.drop(step.forgotten)
        self._later.set()

    def _plan(self, domain: DomainState) -> None:
        wanted, now = self._wanted(domain), self.clock.now()
        for whom, errands in self._errands.items():
            errands.plan(domain.domain, wanted.get(whom), now)

    def _wanted(self, domain: DomainState) -> Mapping[str, datetime]:
        """Return when to do what; where the store is lost that knows it, to look again later."""
        now = self.clock.now()
        try:
            return dict(_errands(domain, self.followers, now))
        except StoreLost:
            return {_Whom.TIME: now + _AFTER_A_FAILURE}

    def _taken(self, now: datetime) -> Iterator[tuple[str, DomainName]]:
        for whom, errands in self._errands.items():
            for domain in errands.taken(now):
                yield whom, domain

    async def _wait(self) -> None:
        wait, instants = None, [errands.next_at for errands in self._errands.values()]
        if (next_at := min((at for at in instants if at is not None), default=None)) is not None:
            wait = max(next_at - self.clock.now(), _AT_LEAST).total_seconds()
        try:
            async with asyncio.timeout(wait):
                await self._later.wait()
        except TimeoutError:
            return
        self._later.clear()

    async def _do(self, whom: str, domain: DomainName) -> None:
        match whom:
            case _Whom.AUTHORITIES:
                await self.ask_authorities({domain})
                self._done(domain, {whom})
            case _Whom.TIME:
                await self._timed.bring([domain])
            case _:
                await self._ask(whom, domain)

    async def _ask(self, whom: str, domain: DomainName) -> None:
        state = self.ledger.state.domains.get(domain)
        if state is None or state.watched is None:
            self._done(domain, {whom})
            return
        resolver = self.followers.resolvers[whom]
        sightings = await self.panel.ask_resolvers(state.watched, (resolver,))
        self._seen.setdefault(domain, []).extend(sightings)
        self._brought.set()

    async def _record_what_is_brought(self) -> None:
        while True:
            await self._brought.wait()
            self._brought.clear()
            await asyncio.sleep(_SECONDS_BETWEEN_RECORDS)
            while self._seen:
                await self._record(self._next_part())

    def _next_part(self) -> Mapping[DomainName, Sequence[Sighting]]:
        """Take some domains with all that waits of each: it is written once for all of that."""
        part, answers = dict[DomainName, Sequence[Sighting]](), 0
        while self._seen and answers < MOST_OF_ONE_RECORD:
            domain = next(iter(self._seen))
            part[domain] = self._seen.pop(domain)
            answers += len(part[domain])
        return part

    async def _record(self, seen: Mapping[DomainName, Sequence[Sighting]]) -> None:
        is_kept = await self.ledger.record(partial(self._decide, seen=seen), about=seen.keys())
        for domain, sightings in seen.items():
            self._done(domain, {sighting.server for sighting in sightings}, is_kept=is_kept)

    def _decide(self, state: State, seen: Mapping[DomainName, Sequence[Sighting]]) -> Step:
        known = ((state.domains.get(domain), sightings) for domain, sightings in seen.items())
        return joined(self._step(d, sightings) for d, sightings in known if d is not None)

    def _step(self, domain: DomainState, sightings: Sequence[Sighting]) -> Step:
        now = self.clock.now()
        seen = [sighting.until(now) for sighting in sightings]
        return in_turn(
            domain,
            lambda it: track_resolvers(it, seen, self.followers, now),
            lambda it: see_resolvers(it, seen, self.policy, now, is_round=False),
        )

    async def _record_that_time_has_passed(self, domains: Sequence[DomainName]) -> None:
        decide = partial(self._tracked, about=domains, track=track_time)
        is_kept = await self.ledger.record(decide, about=domains)
        for domain in domains:
            self._done(domain, {_Whom.TIME}, is_kept=is_kept)

    def _tracked(self, state: State, about: Collection[DomainName], track: _Track) -> Step:
        now, known = self.clock.now(), (state.domains.get(domain) for domain in about)
        return joined(track(it, self.followers, now) for it in known if it is not None)

    def _done(self, domain: DomainName, whoms: Collection[str], *, is_kept: bool = True) -> None:
        now, state = self.clock.now(), self.ledger.state.domains.get(domain)
        for whom in whoms:
            rest = self._pause(whom) if is_kept else _AFTER_A_FAILURE
            self._errands[whom].done(domain, now + rest if state is not None else None)
        if state is not None:
            self._plan(state)
        self._later.set()

    def _pause(self, whom: str) -> timedelta:
        """How long to rest after an errand that may have changed nothing: never a busy loop."""
        policy = self.followers.policy
        match whom:
            case _Whom.AUTHORITIES:
                return policy.authority_fast_interval
            case _Whom.TIME:
                return _AT_LEAST
            case _:
                return policy.sample_gap / 2

    def _longest_rest(self) -> timedelta:
        policy = self.followers.policy
        return max(_AFTER_A_FAILURE, policy.authority_fast_interval, policy.sample_gap / 2)


def _errands(
    state: DomainState, followers: Followers, now: datetime
) -> Iterator[tuple[str, datetime]]:
    """Yield whom to ask when for the domain, the soonest of all its records."""
    if state.watched is None:
        return
    found = dict[str, datetime]()
    for _, agenda in agendas(state, followers, now):
        instants = {
            **agenda.resolvers,
            _Whom.AUTHORITIES: agenda.authorities_at,
            _Whom.TIME: agenda.deadline_at,
        }
        for whom, at in instants.items():
            if at is not None:
                found[whom] = min(at, found.get(whom, at))
    yield from found.items()
