"""Ask about every watched domain once, and record what the answers mean."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import structlog

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
from monitor.core.status import Sighting
from monitor.core.tracking.record import RecordKey
from monitor.ledger import Ledger
from monitor.ports import Clock, Telemetry
from monitor.usecases.ask import Panel
from monitor.usecases.delegate import Delegator, NotDelegated
from monitor.usecases.serials import Serials

log = structlog.get_logger()

# What has been seen is recorded in batches: a transaction each, and seldom enough for any disk.
SECONDS_BETWEEN_RECORDS = 0.25


@dataclass(frozen=True, slots=True)
class _Seen:
    """One domain's sightings: its resolvers', or its authorities' by record, its own first."""

    binding: Binding
    sightings: tuple[Sighting, ...] = ()
    looks: tuple[AuthorityLook, ...] = ()
    wanted: frozenset[RecordKey] = frozenset()


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


@dataclass(frozen=True, slots=True)
class Rounds:
    """Rounds of the authorities and of the resolvers; `abreast` domains are asked at a time.

    A round that is no longer `is_wanted` when its answers come, since other settings are in
    force, changes nothing.
    """

    ledger: Ledger
    panel: Panel
    delegator: Delegator
    serials: Serials
    policy: RoundPolicy
    followers: Followers
    clock: Clock
    telemetry: Telemetry
    abreast: int = 100
    is_wanted: Callable[[], bool] = lambda: True

    async def of_authorities(self, only: Collection[DomainName] | None = None) -> None:
        """Ask the authorities of every watched domain, or of those named."""
        await self._round("authorities", self._look_at_authorities, only)

    async def of_resolvers(self, only: Collection[DomainName] | None = None) -> None:
        """Ask every resolver about every watched domain, or about those named."""
        await self._round("resolvers", self._look_at_resolvers, only)

    async def _round(self, kind: str, look: _Look, only: Collection[DomainName] | None) -> None:
        started = self.clock.now()
        bindings = [b for b in _watched(self.ledger.state) if only is None or b.domain in only]
        harvest = _Harvest(iter(bindings))
        async with asyncio.TaskGroup() as group:
            workers = range(min(self.abreast, len(bindings)))
            pending = {group.create_task(harvest.gather(look)) for _ in workers}
            while pending:
                _, pending = await asyncio.wait(pending, timeout=SECONDS_BETWEEN_RECORDS)
                await self._record(harvest.taken())
        harvest.tell_what_is_missing()
        duration = self.clock.now() - started
        if only is None:
            self.telemetry.round_done(kind, duration)
        log.debug("round.done", kind=kind, domains=len(bindings), seconds=duration.total_seconds())

    async def _look_at_resolvers(self, binding: Binding) -> _Seen:
        known, now = self.ledger.state.domains.get(binding.domain), self.clock.now()
        asked = [r for r in self.panel.resolvers if not (known and is_left_alone(known, r, now))]
        return _Seen(binding, await self.panel.ask_resolvers(binding, asked))

    async def _look_at_authorities(self, binding: Binding) -> _Seen:
        known = self.ledger.state.domains.get(binding.domain)
        state = known or DomainState(binding.domain, binding, self.clock.now())
        own, *others = (
            key
            for view in self.followers.views
            for key in records_of(state, view, self.panel.policy)
        )
        looks = [await self._look_at_record(binding, own)]
        for key in others:
            with suppress(NotDelegated):  # a hop in a zone that cannot be found is no fault here
                looks.append(await self._look_at_record(binding, key))
        return _Seen(binding, looks=tuple(looks), wanted=frozenset((own, *others)))

    async def _look_at_record(self, binding: Binding, key: RecordKey) -> AuthorityLook:
        now = self.clock.now()
        delegation = await self.delegator.find(key.owner, now)
        of_record = replace(binding, domain=key.owner)
        sightings, serials = await asyncio.gather(
            self.panel.ask_authorities(of_record, delegation, key.view),
            self.serials.of(delegation, now),
        )
        return AuthorityLook(key, delegation, sightings, serials)

    async def _record(self, batch: tuple[_Seen, ...]) -> None:
        await self.ledger.record(lambda state: self._decide(state, batch))

    def _decide(self, state: State, batch: Iterable[_Seen]) -> Step:
        if not self.is_wanted():
            return Step()
        known = ((state.domains.get(seen.binding.domain), seen) for seen in batch)
        return joined(
            self._step(domain, seen)
            for domain, seen in known
            if domain is not None and _is_about(domain, seen)
        )

    def _step(self, domain: DomainState, seen: _Seen) -> Step:
        now, policy, followers = self.clock.now(), self.policy, self.followers
        if seen.looks:
            own = seen.looks[0]
            return in_turn(
                domain,
                lambda it: see_authorities(it, own.sightings, own.delegation, policy, now),
                lambda it: track_authorities(it, seen.looks, followers, now, seen.wanted),
                lambda it: see_change(it, policy, now),
            )
        return in_turn(
            domain,
            lambda it: track_resolvers(it, seen.sightings, followers, now),
            lambda it: see_resolvers(it, seen.sightings, policy, now),
        )


def _watched(state: State) -> list[Binding]:
    found = (state.domains[name].watched for name in sorted(state.domains))
    return [binding for binding in found if binding is not None]


def _is_about(domain: DomainState, seen: _Seen) -> bool:
    # The binding may have moved while its answers were under way.
    return domain.watched is not None and domain.watched.target == seen.binding.target
