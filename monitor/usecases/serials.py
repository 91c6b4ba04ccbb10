"""Ask the authorities of a zone for its serial, once for all domains of the zone."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.core.answers import Answer, Question, RecordType
from monitor.core.names import DomainName
from monitor.core.servers import Authority, Delegation
from monitor.ports import Prober


@dataclass(slots=True)
class Serials:
    """Serials by server, asked again after `keep_for`; a server that tells none is left out."""

    prober: Prober
    keep_for: timedelta
    _asked: dict[DomainName, "_Asked"] = field(default_factory=dict)

    async def of(self, delegation: Delegation, now: datetime) -> Mapping[str, int]:
        """Return what each server of the zone last said."""
        known = self._asked.setdefault(delegation.zone, _Asked())
        async with known.turn:
            if known.at is None or not known.at <= now < known.at + self.keep_for:
                known.serials = await self._ask(delegation)
                known.at = now
        return known.serials

    async def _ask(self, delegation: Delegation) -> Mapping[str, int]:
        authorities = delegation.authorities
        found = await asyncio.gather(*(self._serial(server) for server in authorities))
        return {
            server.name: serial
            for server, serial in zip(authorities, found, strict=True)
            if serial is not None
        }

    async def _serial(self, server: Authority) -> int | None:
        question = Question(server.zone, RecordType.SOA, is_recursion_desired=False)
        outcome = (await self.prober.ask(server, question)).outcome
        is_said = isinstance(outcome, Answer) and outcome.is_authoritative
        return outcome.serial if is_said and isinstance(outcome, Answer) else None


@dataclass(slots=True)
class _Asked:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    at: datetime | None = None
    serials: Mapping[str, int] = field(default_factory=dict)
