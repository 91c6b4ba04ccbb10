"""The standing lab: a small Internet on loopback, from its root to two caches.

    127.0.0.10  NSD   `.` and `test`, the parent of the zones under watch
    127.0.0.11  NSD   ns1 of `shop.test` and `mismatch.test`; does not have `lame.test`
    127.0.0.12  Knot  ns2 of the same
    127.0.0.20  NSD   `aliyuncs.com` and the other zones of the cloud
    127.0.0.1   Unbound (with DoT and DoH) and BIND

All authorities listen on one port, so delegations can be followed as on port 53. What each name
is for stands beside it in `zones/*.zone`.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.servers.bind import Bind
from tests.servers.cache_server import CacheServer, Stubs
from tests.servers.certificates import Certificate
from tests.servers.endpoints import free_endpoints
from tests.servers.knot import Knot
from tests.servers.nsd import Nsd
from tests.servers.unbound import Unbound
from tests.servers.zone_server import ZoneServer
from tests.servers.zone_text import lab_zone

PARENT = (".", "test")
WATCHED = ("shop.test", "mismatch.test")
CLOUD = ("aliyuncs.com", "alibabadns.com", "taihangcda.cn", "kunlunaq.com")


@dataclass(frozen=True, slots=True)
class Authorities:
    """The authoritative half of the lab."""

    parent: ZoneServer
    ns1: ZoneServer
    ns2: ZoneServer
    cloud: ZoneServer

    @property
    def port(self) -> int:
        return self.parent.port

    @property
    def root(self) -> Stubs:
        """What a cache needs that follows delegations by itself."""
        return {".": self.parent.endpoints}

    @property
    def stubs(self) -> Stubs:
        """What a cache needs that would follow delegations at port 53."""
        both = self.ns1.endpoints + self.ns2.endpoints
        return (
            dict.fromkeys(PARENT, self.parent.endpoints)
            | dict.fromkeys(WATCHED, both)
            | {"lame.test": self.ns1.endpoints}
            | dict.fromkeys(CLOUD, self.cloud.endpoints)
        )

    def point(self, owner: str, *records: str) -> None:
        """Change a name of `shop.test` at both of its servers; see `ZoneServer.change`."""
        for server in (self.ns1, self.ns2):
            server.change("shop.test", owner, *records)


@dataclass(frozen=True, slots=True)
class Lab:
    """All servers of the lab, running."""

    authorities: Authorities
    unbound: CacheServer
    bind: CacheServer

    @property
    def caches(self) -> tuple[CacheServer, CacheServer]:
        return self.unbound, self.bind


@contextmanager
def standing_lab(certificate: Certificate) -> Iterator[Lab]:
    """Run the whole lab until the block ends."""
    with ExitStack() as running:
        authorities = running.enter_context(standing_authorities())
        unbound = Unbound(authorities.stubs, certificate)
        bind = Bind(authorities.root)
        yield Lab(
            authorities,
            running.enter_context(unbound.running()),
            running.enter_context(bind.running()),
        )


@contextmanager
def standing_authorities() -> Iterator[Authorities]:
    """Run the authoritative half alone, for tests that bring caches of their own."""
    parent, ns1, ns2, cloud = free_endpoints(
        "127.0.0.10", "127.0.0.11", "127.0.0.12", "127.0.0.20"
    )
    with ExitStack() as running:
        yield Authorities(
            parent=running.enter_context(Nsd(_texts(PARENT), (parent,)).running()),
            ns1=running.enter_context(Nsd(_texts(WATCHED), (ns1,)).running()),
            ns2=running.enter_context(Knot(_texts(WATCHED), (ns2,)).running()),
            cloud=running.enter_context(Nsd(_texts(CLOUD), (cloud,)).running()),
        )


def _texts(names: tuple[str, ...]) -> dict[str, str]:
    return {name: lab_zone(name) for name in names}
