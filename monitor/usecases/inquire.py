"""Ask the DNS provider's API when a record that changed was edited, and for which lines."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from monitor.core.domain_tracking import Followers, track_explanation, unexplained
from monitor.core.provider import told_change
from monitor.core.state import DomainState, State, Step
from monitor.core.tracking.changes import Change
from monitor.core.tracking.record import Explained, RecordKey
from monitor.ledger import Ledger
from monitor.ports import Clock, Provider, Telemetry

log = structlog.get_logger()


@dataclass(slots=True)
class Inquire:
    """Runs until it is cancelled; asks twice of a change, when it is seen and when all agree."""

    ledger: Ledger
    providers: Mapping[str, Provider]  # by account
    followers: Followers
    clock: Clock
    telemetry: Telemetry
    _asked: set[tuple[str, bool]] = field(default_factory=set)
    _waiting: asyncio.Queue[DomainState] = field(default_factory=asyncio.Queue)

    async def run(self) -> None:
        self.ledger.listen(self._notice)
        try:
            while True:
                await self._inquire(await self._waiting.get())
        finally:
            self.ledger.unlisten(self._notice)

    def _notice(self, step: Step) -> None:
        for domain in step.domains:
            if domain.binding is not None and domain.binding.account in self.providers:
                for _, change in unexplained(domain):
                    if self._is_due(change):
                        self._waiting.put_nowait(domain)

    def _is_due(self, change: Change) -> bool:
        key = (change.id, change.all_authorities_at is not None)
        if key in self._asked:
            return False
        self._asked.add(key)
        return True

    async def _inquire(self, domain: DomainState) -> None:
        if domain.binding is None:
            return
        provider = self.providers[domain.binding.account]
        listing = await provider.look(domain.domain)
        if listing.failure is not None:
            self.telemetry.provider_failed(provider.account, listing.failure)
            log.warning(
                "alidns.unreadable",
                account=provider.account,
                domain=domain.domain.display,
                reason=listing.failure.reason.value,
                detail=listing.failure.detail,
            )
        slack = self.followers.policy.authority_interval
        for key, change in unexplained(domain):
            told = told_change(
                listing.records,
                domain.domain,
                change.new.target,
                change.unseen_since,
                change.detected_at,
                slack=slack,
            )
            if told is not None:
                lines = tuple(line.value for line in told.lines)
                await self._record(domain, key, Explained(change.id, told.changed_at, lines))

    async def _record(self, domain: DomainState, key: RecordKey, told: Explained) -> None:
        def decide(state: State) -> Step:
            known = state.domains.get(domain.domain)
            if known is None or key not in known.records:
                return Step()
            return track_explanation(known, key, told, self.followers, self.clock.now())

        await self.ledger.record(decide)
