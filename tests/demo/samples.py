"""Zones, a clock and an upstream that the tests of the DNS world share."""

from dataclasses import dataclass, field

from dns.name import Name
from dns.rdatatype import RdataType

from monitor.demo.wire import Subnet
from monitor.demo.zones import Found, RRset, Zone, lookup, with_record

OLD = "shop.oss-cn-beijing.aliyuncs.test."
NEW = "shop.oss-cn-hangzhou.aliyuncs.test."
WWW_TTL = 600
OSS_TTL = 120


def example() -> Zone:
    """A zone with everything in it that a lookup can meet."""
    return Zone.of(
        "example.test",
        (
            RRset.of("example.test", "NS", 3600, "ns1.example.test", "ns2.example.test"),
            RRset.of("ns1.example.test", "A", 3600, "192.0.2.1"),
            RRset.of("ns2.example.test", "A", 3600, "192.0.2.2"),
            RRset.of("ns2.example.test", "AAAA", 3600, "2001:db8::2"),
            RRset.of("www.example.test", "CNAME", WWW_TTL, OLD),
            RRset.of("plain.example.test", "A", 300, "192.0.2.10", "192.0.2.11"),
            RRset.of("alias.example.test", "CNAME", 300, "hop.example.test"),
            RRset.of("hop.example.test", "CNAME", 200, "plain.example.test"),
            RRset.of("dangling.example.test", "CNAME", 300, "nothing.example.test"),
            RRset.of("nodata.example.test", "CNAME", 300, "text.example.test"),
            RRset.of("text.example.test", "TXT", 300, '"token one"', '"token two"'),
            RRset.of("loop.example.test", "CNAME", 300, "pool.example.test"),
            RRset.of("pool.example.test", "CNAME", 300, "loop.example.test"),
            RRset.of("a.deep.example.test", "A", 300, "192.0.2.20"),
            RRset.of("*.wild.example.test", "A", 300, "192.0.2.30"),
            RRset.of("own.wild.example.test", "TXT", 300, '"I am here"'),
            RRset.of("*.also.example.test", "CNAME", 300, "plain.example.test"),
            RRset.of("child.example.test", "NS", 900, "ns.child.example.test", "ns1.other.test"),
            RRset.of("ns.child.example.test", "A", 900, "192.0.2.40"),
            RRset.of("ns.child.example.test", "AAAA", 900, "2001:db8::40"),
            RRset.of("down.example.test", "CNAME", 300, "www.child.example.test"),
            RRset.of("big.example.test", "TXT", 300, *(f'"{n:02} {"x" * 90}"' for n in range(30))),
            RRset.of("half.example.test", "TXT", 300, *(f'"{n:02} {"y" * 90}"' for n in range(8))),
        ),
        serial=7,
        soa_ttl=1800,
        negative_ttl=45,
    )


def oss() -> Zone:
    return Zone.of(
        "aliyuncs.test",
        (
            RRset.of(OLD, "A", OSS_TTL, "203.0.113.1"),
            RRset.of(NEW, "A", OSS_TTL, "203.0.113.2"),
        ),
    )


def moved(zone: Zone) -> Zone:
    """The zone after `www` was pointed at the new bucket."""
    return with_record(zone, RRset.of("www.example.test", "CNAME", WWW_TTL, NEW))


@dataclass(slots=True)
class Clock:
    """A clock that stands until it is moved."""

    now: float = 5000.25

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class Authorities:
    """What caches ask: each zone from a server of its own. Remembers who was asked for what."""

    zones: list[Zone] = field(default_factory=lambda: [example(), oss()])
    asked: list[tuple[str, str, Subnet | None]] = field(default_factory=list)

    def __call__(self, name: Name, rdtype: RdataType, subnet: Subnet | None) -> Found:
        self.asked.append((name.to_text(), rdtype.name, subnet))
        nearest = [zone for zone in self.zones if name.is_subdomain(zone.apex)]
        return lookup(nearest, name, rdtype)
