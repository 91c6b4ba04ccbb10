"""An authoritative name server on loopback."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from random import Random
from typing import Self

from dns.name import Name
from dns.rdatatype import RdataType

from monitor.core.servers import Transport
from monitor.demo import wire
from monitor.demo.listening import Reply, listening
from monitor.demo.recursion import Upstream
from monitor.demo.zones import Found, Zone, lookup, nearest_zone


class Authority:
    """Answers from `zones`, which may be exchanged while it runs; alone it sees the change.

    `lines` are the zones for clients of a subnet (RFC 7871), where those get other answers.
    While `is_reachable` is False it is silent. `queries` counts what came over the network.
    """

    def __init__(self, address: str, port: int, zones: Iterable[Zone], *, nsid: str = "") -> None:
        self.address = address
        self.port = port
        self.zones = tuple(zones)
        self.lines: Mapping[str, tuple[Zone, ...]] = {}
        self.is_reachable = True
        self.queries: Counter[tuple[str, str]] = Counter()
        self._speaker = wire.Speaker(nsid)
        self._open = AsyncExitStack()

    def answer(self, name: Name, rdtype: RdataType, subnet: wire.Subnet | None = None) -> Found:
        """Return what it says to this question now, to clients of the subnet."""
        return lookup(self.lines.get(str(subnet), self.zones), name, rdtype)

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(listening(self.address, self.port, self._respond))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def _respond(self, received: bytes, transport: Transport) -> Reply | None:
        if not self.is_reachable:
            return None
        match wire.read(received):
            case wire.Rejected(reply):
                return Reply(reply) if reply else None
            case wire.Question() as question:
                self.queries[question.key] += 1
                found = self.answer(question.name, question.rdtype, question.client_subnet)
                response = wire.reply(question, found, self._speaker)
                return Reply(wire.pack(response, question, transport))


def one_of(authorities: Sequence[Authority], rng: Random) -> Upstream:
    """Return how a recursive server asks these: any reachable server of the nearest zone."""

    def ask(name: Name, rdtype: RdataType, subnet: wire.Subnet | None) -> Found | None:
        serving = _nearest(authorities, name)
        reachable = [server for server in serving if server.is_reachable]
        return rng.choice(reachable).answer(name, rdtype, subnet) if reachable else None

    return ask


def _nearest(authorities: Sequence[Authority], name: Name) -> list[Authority]:
    zone = nearest_zone((zone for server in authorities for zone in server.zones), name)
    if zone is None:
        return []
    return [
        server
        for server in authorities
        if any(served.apex == zone.apex for served in server.zones)
    ]
