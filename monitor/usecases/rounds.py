"""Ask about every watched domain once, and record what the answers mean."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

import structlog

from monitor.core.answers import Reply
from monitor.core.bindings import Binding
from monitor.core.domain_tracking import (
    AuthorityLook,
    Followers,
    is_left_alone,
    records_of,
    track_authorities,
    track_resolvers,
)
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.state import (
    DomainState,
    RoundPolicy,
    State,
    Step,
    in_turn,
    joined,
    see_authorities,
    see_change,
    see_resolvers,
)
from monitor.core.tracking.record import RecordKey
from monitor.core.views import Sighting
from monitor.ledger import Ledger
from monitor.ports import Clock, Sweeper, Telemetry
from monitor.usecases.ask import Panel
from monitor.usecases.delegate import Delegator, NotDelegated
from monitor.usecases.fleet import Fleet, watched_in
from monitor.usecases.looked_at import LookedAt
from monitor.usecases.news import News
from monitor.usecases.polls import Polls
from monitor.usecases.serials import Serials
from monitor.usecases.together import Together

log = structlog.get_logger()

# What has been seen is recorded in batches, each second while a round lasts.
SECONDS_BETWEEN_RECORDS = 1.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """One domain's sightings: its resolvers', or its authorities' by record, its own first."""

    binding: Binding
    sightings: tuple[Sighting, ...] = ()
    looks: tuple[AuthorityLook, ...] = ()
    wanted: tuple[RecordKey, ...] = ()

    def until(self, now: datetime) -> "_Seen":
        """Return it as it can have been seen by now."""
        sightings = tuple(sighting.until(now) for sighting in self.sightings)
        return replace(self, sightings=sightings, looks=tuple(it.until(now) for it in self.looks))


_Look: TypeAlias = Callable[[Binding], Awaitable[_Seen]]


@dataclass(slots=True)
class _Harvest:
    """What several workers bring in, who share one row of bindings."""

    waiting: Iterator[Binding]
    gathered: list[_Seen] = field(default_factory=list)
    missing: list[tuple[Binding, NotDelegated]] = field(default_factory=list)

    async def gather(self, look: _Look) -> None:
        for binding in self.waiting:
            try:
                self.gathered.append(await look(binding))
            except NotDelegated as error:
                self.missing.append((binding, error))

    def taken(self) -> tuple[_Seen, ...]:
        """Hand over what has gathered since the last time."""
        batch = tuple(self.gathered)
        self.gathered.clear()
        return batch

    def tell_what_is_missing(self) -> None:
        """Say in one line a round, not in one a domain, whose authorities nobody knows."""
        if self.missing:
            binding, error = self.missing[0]
            first = binding.domain.display
            count = len(self.missing)
            log.warning("delegation.not_found", domains=count, first=first, error=str(error))


@dataclass(slots=True)
class Rounds:
    """Rounds of the authorities and of the resolvers; `abreast` domains are asked at a time.

    A round that is no longer `is_wanted` when its answers come, since other settings are in
    force, changes nothing.
    """

    ledger: Ledger
    panel: Panel
    sweeper: Sweeper
    delegator: Delegator
    serials: Serials
    policy: RoundPolicy
    followers: Followers
    clock: Clock
    telemetry: Telemetry
    abreast: int = 100
    is_wanted: Callable[[], bool] = lambda: True
    polls: Polls = field(init=False, default_factory=Polls)
    fleet: Fleet = field(init=False)
    looked_at: LookedAt = field(init=False, default_factory=LookedAt)
    _recorded: Together[_Seen] = field(init=False)

    def __post_init__(self) -> None:
        self.fleet = Fleet(self.policy, self.sweeper, self.polls)
        self._recorded = Together(self._record, lambda seen: seen.binding.domain)

    def continued(self) -> "Rounds":
        """Return rounds by settings that ask and judge alike, which know all that these know."""
        later = replace(self, panel=replace(self.panel))  # by which one tells them apart
        later.fleet, later.polls, later.looked_at = self.fleet, self.polls, self.looked_at
        return later

    async def of_authorities(self, only: Collection[DomainName] | None = None) -> None:
        """Ask the authorities of every watched domain, or of those named."""
        await self._round("authorities", self._look_at_authorities, only)

    async def of_resolvers(
        self, only: Collection[DomainName] | None = None, over: timedelta = timedelta()
    ) -> None:
        """Ask every resolver about every watched domain, or about those named.

        Domains at rest are swept, spread `over` a time; the others are looked at, at once.
        """
        started = self.clock.now()
        resting, awake = await self.ledger.look(lambda state: self._parted(state, only))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_at_each(awake, self._look_at_resolvers))
            group.create_task(self._sweep(resting, over))
        self._done("resolvers", len(resting) + len(awake), started, only)

    async def of_everybody(self) -> None:
        """Ask everybody about everything; a name that is not known yet, its authorities first.

        A question for a name that does not exist yet would plant that in a cache.
        """
        started = self.clock.now()
        resting, awake = await self.ledger.look(lambda state: self._parted(state, None))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sweep(resting, timedelta()))
            await self.of_authorities()
            swept = {binding.domain for binding in resting}
            rest = [b for b in watched_in(self.ledger.state) if b.domain not in swept]
            await self._look_at_each(rest, self._look_at_resolvers)
        if self.is_wanted():
            self.looked_at.note_all()
        self._done("resolvers", len(resting) + len(awake), started, None)

    def _parted(
        self, state: State, only: Collection[DomainName] | None
    ) -> tuple[Sequence[Binding], Sequence[Binding]]:
        """Return the bindings of those that are at rest, and of the others."""
        now = self.clock.now()
        if only is None:
            return self.fleet.parted(state, now)
        return self.fleet.part([state.domains[n] for n in only if n in state.domains], now)

    async def _sweep(self, bindings: Sequence[Binding], over: timedelta) -> None:
        """Have the domains swept, and look at once at each of which something new is told."""
        if not bindings:
            return
        news = News(self.ledger, self.panel)
        async with asyncio.TaskGroup() as group:
            sweep = self.sweeper.sweep(bindings, self.panel.resolvers, over, news)
            pending = {group.create_task(sweep)}
            while pending:
                if not self.is_wanted():  # it may last for minutes, and others sweep by now
                    pending.pop().cancel()
                    return
                _, pending = await asyncio.wait(pending, timeout=SECONDS_BETWEEN_RECORDS)
                await self._look_at_each(
                    news.taken(), lambda b: self._look_at_the_rest(b, news.told(b.domain))
                )

    async def _look_at_the_rest(
        self, binding: Binding, replies: Mapping[Resolver, Reply]
    ) -> _Seen:
        """Ask the resolvers that the sweep brought no news from."""
        self.sweeper.forget(binding.domain)
        others = [r for r in self.panel.resolvers if r not in replies]
        brought = [await self.panel.judged(r, reply, binding) for r, reply in replies.items()]
        return _Seen(binding, (*brought, *await self.panel.ask_resolvers(binding, others)))

    async def _round(self, kind: str, look: _Look, only: Collection[DomainName] | None) -> None:
        started = self.clock.now()
        bindings = watched_in(self.ledger.state, only)
        await self._look_at_each(bindings, look)
        self._done(kind, len(bindings), started, only)

    async def _look_at_each(self, bindings: Sequence[Binding], look: _Look) -> None:
        harvest = _Harvest(iter(bindings))
        async with asyncio.TaskGroup() as group:
            workers = range(min(self.abreast, len(bindings)))
            pending = {group.create_task(harvest.gather(look)) for _ in workers}
            while pending:
                _, pending = await asyncio.wait(pending, timeout=SECONDS_BETWEEN_RECORDS)
                await self._recorded.bring(harvest.taken())
        harvest.tell_what_is_missing()

    def _done(
        self, kind: str, domains: int, started: datetime, only: Collection[DomainName] | None
    ) -> None:
        duration = self.clock.now() - started
        if only is None:
            self.telemetry.round_done(kind, duration)
        log.debug("round.done", kind=kind, domains=domains, seconds=duration.total_seconds())

    async def _look_at_resolvers(self, binding: Binding) -> _Seen:
        self.sweeper.forget(binding.domain)
        asked = await self.ledger.look(
            lambda state: self._asked(state, binding.domain), {binding.domain}
        )
        return _Seen(binding, await self.panel.ask_resolvers(binding, asked))

    def _asked(self, state: State, domain: DomainName) -> Sequence[Resolver]:
        known, now = state.domains.get(domain), self.clock.now()
        return [r for r in self.panel.resolvers if not (known and is_left_alone(known, r, now))]

    async def _look_at_authorities(self, binding: Binding) -> _Seen:
        own, *others = await self._wanted(binding)
        looks = [await self._look_at_record(binding, own)]
        for key in others:
            with suppress(NotDelegated):  # a hop in a zone that cannot be found is no fault here
                looks.append(await self._look_at_record(binding, key))
        return _Seen(binding, looks=tuple(looks), wanted=(own, *others))

    async def _wanted(self, binding: Binding) -> Sequence[RecordKey]:
        """Return which records to ask about: mostly those of the last poll, without a look."""
        known = self.ledger.state.domains.get(binding.domain)
        wanted = self.polls.wanted(known) if known is not None else ()
        return wanted or await self.ledger.look(
            lambda state: self._records(state, binding), {binding.domain}
        )

    def _records(self, state: State, binding: Binding) -> Sequence[RecordKey]:
        known = state.domains.get(binding.domain)
        domain = known or DomainState(binding.domain, binding, self.clock.now())
        views = self.followers.views
        return [key for view in views for key in records_of(domain, view, self.panel.policy)]

    async def _look_at_record(self, binding: Binding, key: RecordKey) -> AuthorityLook:
        now = self.clock.now()
        delegation = await self.delegator.find(key.owner, now)
        of_record = replace(binding, domain=key.owner)
        sightings, serials = await asyncio.gather(
            self.panel.ask_authorities(of_record, delegation, key.view),
            self.serials.of(delegation, now),
        )
        return AuthorityLook(key, delegation, sightings, serials)

    async def _record(self, part: Sequence[_Seen]) -> None:
        about = [seen.binding.domain for seen in part]
        await self.ledger.record(partial(self._decide, batch=part), about=about)

    def _decide(self, state: State, batch: Sequence[_Seen]) -> Step:
        if not self.is_wanted():
            return Step()
        # With the decision, and not after it: people are told in the same step.
        self.looked_at.note(seen.binding.domain for seen in batch if seen.sightings)
        known = ((state.domains.get(seen.binding.domain), seen) for seen in batch)
        return joined(
            self._step(domain, seen)
            for domain, seen in known
            if domain is not None and _is_about(domain, seen)
        )

    def _step(self, domain: DomainState, seen: _Seen) -> Step:
        now, policy, followers = self.clock.now(), self.policy, self.followers
        seen = seen.until(now)
        if seen.looks:
            decide = partial(self._polled, seen=seen, now=now)
            return self.polls.take(domain, seen.looks, seen.wanted, decide)
        return in_turn(
            domain,
            lambda it: track_resolvers(it, seen.sightings, followers, now),
            lambda it: see_resolvers(it, seen.sightings, policy, now),
        )

    def _polled(self, domain: DomainState, seen: _Seen, now: datetime) -> Step:
        own = seen.looks[0]
        return in_turn(
            domain,
            lambda it: see_authorities(it, own.sightings, own.delegation, self.policy, now),
            lambda it: track_authorities(
                it, seen.looks, self.followers, now, frozenset(seen.wanted)
            ),
            lambda it: see_change(it, self.policy, now),
        )


def _is_about(domain: DomainState, seen: _Seen) -> bool:
    # The binding may have moved while its answers were under way.
    return domain.watched is not None and domain.watched.target == seen.binding.target
