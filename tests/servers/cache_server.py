"""A running recursive server, whatever program it is."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeAlias

from monitor.core.servers import Resolver, Transport
from tests.servers.certificates import SERVER_NAME
from tests.servers.endpoints import Endpoint
from tests.servers.process import ServerProcess
from tests.servers.questions import answers

# Whom a cache asks about a zone and all below it; "." stands for everything else.
Stubs: TypeAlias = Mapping[str, tuple[Endpoint, ...]]

# Nothing listens there, and nothing ever leaves loopback: a cache without a stub for the root
# answers SERVFAIL for foreign names instead of asking the Internet.
NOWHERE = "127.255.255.254"


@dataclass(frozen=True, slots=True)
class CacheServer:
    """Answers recursive questions; `flush` empties it. DoT and DoH only where they are set up."""

    name: str
    endpoint: Endpoint
    process: ServerProcess
    flush: Callable[[], None]
    ca_file: str | None = None
    dot: Endpoint | None = None
    doh: Endpoint | None = None

    @property
    def doh_url(self) -> str:
        """The certificate holds the address too, so the name need not be found first."""
        return f"https://{self.doh}/dns-query"

    def resolver(self, transport: Transport = Transport.UDP) -> Resolver:
        """Return it as the daemon is told of it."""
        at = self._endpoint_of(transport)
        if at is None:
            raise ValueError(f"{self.name} does not listen for {transport.value}")
        is_doh = transport is Transport.DOH
        is_encrypted = is_doh or transport is Transport.DOT
        return Resolver(
            name=f"{self.name}-{transport.value}",
            address=self.doh_url if is_doh else at.address,
            port=at.port,
            transport=transport,
            max_qps=1000.0,
            server_name=SERVER_NAME if transport is Transport.DOT else None,
            ca_file=self.ca_file if is_encrypted else None,
        )

    def silent(self) -> AbstractContextManager[None]:
        """Leave questions unanswered inside the block."""
        return self.process.silent()

    def _endpoint_of(self, transport: Transport) -> Endpoint | None:
        match transport:
            case Transport.UDP | Transport.TCP:
                return self.endpoint
            case Transport.DOT:
                return self.dot
            case Transport.DOH:
                return self.doh
            case Transport.DOQ:
                return None


def is_awake(at: Endpoint) -> bool:
    """True when a cache answers at all; `localhost` is known to each without asking anybody."""
    return answers(at, "localhost")
