"""Follow the changes that are under way: ask just when an answer can be new."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

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
from monitor.usecases.together import MOST_OF_ONE_RECORD, Together

log = structlog.get_logger()

# Answers that come together are recorded together: one transaction, seldom enough for any disk.
_SECONDS_BETWEEN_RECORDS = 0.1
_AFTER_A_FAILURE = timedelta(seconds=5)
_AT_LEAST = timedelta(milliseconds=10)


class _Whom:
    """Names that no resolver can have."""

    AUTHORITIES = "\0authorities"
    TIME = "\0time"


@dataclass(frozen=True, slots=True, order=True)
class _Errand:
    """One thing to do for a domain: ask a resolver or the authorities, or look at the time."""

    domain: DomainName
    whom: str


@dataclass(slots=True)
class Follow:
    """Runs until it is cancelled; what it does follows from the ledger's state alone."""

    ledger: Ledger
    panel: Panel
    followers: Followers
    policy: RoundPolicy
    clock: Clock
    ask_authorities: Callable[[Collection[DomainName]], Awaitable[None]]
    _due: dict[_Errand, datetime] = field(default_factory=dict)
    _queue: list[tuple[datetime, _Errand]] = field(default_factory=list)
    _under_way: set[_Errand] = field(default_factory=set)
    _not_before: dict[_Errand, datetime] = field(default_factory=dict)
    _seen: list[tuple[DomainName, Sighting]] = field(default_factory=list)
    _later: asyncio.Event = field(default_factory=asyncio.Event)
    _brought: asyncio.Event = field(default_factory=asyncio.Event)
    _timed: Together[_Errand] = field(init=False)

    def __post_init__(self) -> None:
        self._timed = Together(self._record_that_time_has_passed, lambda errand: errand.domain)

    async def run(self) -> None:
        """Take up what is open, then do each errand when it is due."""
        await self._restart()
        self.ledger.listen(self._replan)
        try:
            for domain in self._followed(self.ledger.state):
                self._plan(domain)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._record_what_is_brought())
                while True:
                    for errand in self._taken(self.clock.now()):
                        group.create_task(self._do(errand))
                    await self._wait()
        finally:
            self.ledger.unlisten(self._replan)

    async def _restart(self) -> None:
        await self.ledger.record(
            lambda state: joined(
                track_restart(domain, self.followers, self.clock.now())
                for domain in self._followed(state)
            )
        )

    def _followed(self, state: State) -> list[DomainState]:
        now = self.clock.now()
        return [d for d in state.domains.values() if is_any_followed(d.records, now)]

    def _replan(self, step: Step) -> None:
        for domain in step.domains:
            self._plan(domain)
        if step.forgotten:
            self._drop(step.forgotten)
        self._later.set()

    def _drop(self, domains: Collection[DomainName]) -> None:
        for known in (self._due, self._not_before):
            for errand in [errand for errand in known if errand.domain in domains]:
                del known[errand]

    def _plan(self, domain: DomainState) -> None:
        wanted = self._wanted(domain)
        for errand in (_Errand(domain.domain, whom) for whom in self._whoms()):
            at = wanted.get(errand.whom)
            if at is None:
                self._due.pop(errand, None)
            elif errand not in self._under_way:
                self._put(errand, at)

    def _wanted(self, domain: DomainState) -> Mapping[str, datetime]:
        """Return when to do what; where the store is lost that knows it, to look again later."""
        now = self.clock.now()
        try:
            return dict(_errands(domain, self.followers, now))
        except StoreLost:
            return {_Whom.TIME: now + _AFTER_A_FAILURE}

    def _whoms(self) -> Iterator[str]:
        yield from self.followers.resolvers
        yield from (_Whom.AUTHORITIES, _Whom.TIME)

    def _put(self, errand: _Errand, at: datetime) -> None:
        rest_until = self._not_before.get(errand, at)
        # A rest beyond any that we take is of a clock that was put back since.
        if rest_until - self.clock.now() <= self._longest_rest():
            at = max(at, rest_until)
        if self._due.get(errand) != at:
            self._due[errand] = at
            heapq.heappush(self._queue, (at, errand))

    def _taken(self, now: datetime) -> Iterator[_Errand]:
        while self._queue and self._queue[0][0] <= now:
            at, errand = heapq.heappop(self._queue)
            if self._due.get(errand) == at:  # otherwise it was planned anew since
                del self._due[errand]
                self._under_way.add(errand)
                yield errand

    async def _wait(self) -> None:
        wait = None
        if self._queue:
            left = self._queue[0][0] - self.clock.now()
            wait = max(left, _AT_LEAST).total_seconds()
        try:
            async with asyncio.timeout(wait):
                await self._later.wait()
        except TimeoutError:
            return
        self._later.clear()

    async def _do(self, errand: _Errand) -> None:
        match errand.whom:
            case _Whom.AUTHORITIES:
                await self.ask_authorities({errand.domain})
                self._done(errand)
            case _Whom.TIME:
                await self._timed.bring([errand])
            case _:
                await self._ask(errand)

    async def _ask(self, errand: _Errand) -> None:
        state = self.ledger.state.domains.get(errand.domain)
        resolver = self.followers.resolvers.get(errand.whom)
        if state is None or state.watched is None or resolver is None:
            self._done(errand)
            return
        for sighting in await self.panel.ask_resolvers(state.watched, (resolver,)):
            self._seen.append((errand.domain, sighting))
        self._brought.set()

    async def _record_what_is_brought(self) -> None:
        while True:
            await self._brought.wait()
            self._brought.clear()
            await asyncio.sleep(_SECONDS_BETWEEN_RECORDS)
            seen, self._seen = self._seen, []
            for start in range(0, len(seen), MOST_OF_ONE_RECORD):
                batch = seen[start : start + MOST_OF_ONE_RECORD]
                is_kept = await self.ledger.record(
                    partial(self._decide, batch=batch), about={domain for domain, _ in batch}
                )
                for domain, sighting in batch:
                    self._done(_Errand(domain, sighting.server), is_kept=is_kept)

    def _decide(self, state: State, batch: Collection[tuple[DomainName, Sighting]]) -> Step:
        found = dict[DomainName, list[Sighting]]()
        for domain, sighting in batch:
            found.setdefault(domain, []).append(sighting)
        known = ((state.domains.get(domain), sightings) for domain, sightings in found.items())
        return joined(self._step(d, sightings) for d, sightings in known if d is not None)

    def _step(self, domain: DomainState, sightings: list[Sighting]) -> Step:
        now = self.clock.now()
        seen = [sighting.until(now) for sighting in sightings]
        return in_turn(
            domain,
            lambda it: track_resolvers(it, seen, self.followers, now),
            lambda it: see_resolvers(it, seen, self.policy, now, is_round=False),
        )

    async def _record_that_time_has_passed(self, errands: Sequence[_Errand]) -> None:
        about = [errand.domain for errand in errands]
        is_kept = await self.ledger.record(partial(self._later_now, domains=about), about=about)
        for errand in errands:
            self._done(errand, is_kept=is_kept)
            if (known := self.ledger.state.domains.get(errand.domain)) is not None:
                self._plan(known)  # all of it: perhaps only this errand was known

    def _later_now(self, state: State, domains: Collection[DomainName]) -> Step:
        now, known = self.clock.now(), (state.domains.get(domain) for domain in domains)
        return joined(track_time(it, self.followers, now) for it in known if it is not None)

    def _done(self, errand: _Errand, *, is_kept: bool = True) -> None:
        self._under_way.discard(errand)
        state = self.ledger.state.domains.get(errand.domain)
        if state is None:
            return
        now = self.clock.now()
        self._not_before[errand] = now + (self._pause(errand) if is_kept else _AFTER_A_FAILURE)
        wanted = self._wanted(state)
        for one in {errand, _Errand(errand.domain, _Whom.TIME)} - self._under_way:
            if (at := wanted.get(one.whom)) is not None:
                self._put(one, at)
        self._later.set()

    def _pause(self, errand: _Errand) -> timedelta:
        """How long to rest after an errand that may have changed nothing: never a busy loop."""
        policy = self.followers.policy
        match errand.whom:
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
