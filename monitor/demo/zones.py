"""Zones of the embedded world, and what an authoritative server says of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import dns.name
import dns.rdata
from dns.name import Name
from dns.rcode import Rcode
from dns.rdata import Rdata
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.NS import NS
from dns.rdtypes.ANY.SOA import SOA

from monitor.core.names import DomainName

SOA_TTL = 3600
NEGATIVE_TTL = 60

_REFRESH, _RETRY, _EXPIRE = 600, 120, 1_209_600


@dataclass(frozen=True, slots=True)
class RRset:
    """All records of one owner and type; they share their TTL (RFC 2181 §5.2)."""

    owner: Name
    rdtype: RdataType
    ttl: int
    rdatas: tuple[Rdata, ...]

    @classmethod
    def of(cls, owner: DomainName | str, rdtype: str, ttl: int, *values: str) -> Self:
        """Return the RRset that a zone file would write so; every name in it is absolute."""
        kind = RdataType.make(rdtype)
        rdatas = (
            dns.rdata.from_text(RdataClass.IN, kind, value, dns.name.root, relativize=False)
            for value in values
        )
        return cls(dns.name.from_text(str(owner)), kind, ttl, tuple(rdatas))

    @property
    def alias(self) -> Name | None:
        """The name that a CNAME points at; None for every other type."""
        return next((data.target for data in self.rdatas if isinstance(data, CNAME)), None)


Node: TypeAlias = Mapping[RdataType, RRset]


@dataclass(frozen=True, slots=True)
class Zone:
    """Every name that exists in a zone; an empty non-terminal is a node without RRsets."""

    apex: Name
    nodes: Mapping[Name, Node]

    @classmethod
    def of(
        cls,
        apex: DomainName | str,
        rrsets: Iterable[RRset],
        *,
        serial: int = 1,
        soa_ttl: int = SOA_TTL,
        negative_ttl: int = NEGATIVE_TTL,
    ) -> Self:
        """Return the zone of these RRsets with a SOA whose MINIMUM is `negative_ttl`."""
        timers = f"{serial} {_REFRESH} {_RETRY} {_EXPIRE} {negative_ttl}"
        people = f"ns1.{apex} hostmaster.{apex}"
        soa = RRset.of(apex, "SOA", soa_ttl, f"{people} {timers}")
        return cls(soa.owner, _nodes(soa.owner, (soa, *rrsets)))

    @property
    def rrsets(self) -> tuple[RRset, ...]:
        return tuple(rrset for node in self.nodes.values() for rrset in node.values())

    @property
    def soa(self) -> RRset:
        return self.nodes[self.apex][RdataType.SOA]

    @property
    def serial(self) -> int:
        return _soa_data(self.soa).serial


@dataclass(frozen=True, slots=True)
class Found:
    """What a server has to say to a question; the sections of RFC 1034 §3.7."""

    rcode: Rcode = Rcode.NOERROR
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()
    is_authoritative: bool = False


def with_record(zone: Zone, rrset: RRset) -> Zone:
    """Return the zone with this RRset, under the next serial.

    It replaces its predecessor and what may not stand beside it: a CNAME stands alone.
    """
    kept = (
        old
        for old in zone.rrsets
        if old.owner != rrset.owner
        or (old.rdtype != rrset.rdtype and RdataType.CNAME not in (old.rdtype, rrset.rdtype))
    )
    return _next_version(zone, (*kept, rrset))


def without_record(zone: Zone, owner: DomainName | str, rdtype: str) -> Zone:
    """Return the zone without this RRset, under the next serial."""
    gone = (dns.name.from_text(str(owner)), RdataType.make(rdtype))
    return _next_version(zone, (rr for rr in zone.rrsets if (rr.owner, rr.rdtype) != gone))


def lookup(zones: Iterable[Zone], name: Name, rdtype: RdataType) -> Found:
    """Return what a server of these zones answers (RFC 1034 §4.3.2); it refuses other names."""
    served = tuple(zones)
    found = _lookup_once(served, name, rdtype)
    visited = {name}
    while (target := _open_end(found, rdtype)) is not None and target not in visited:
        visited.add(target)
        rest = _lookup_once(served, target, rdtype)
        if rest.rcode == Rcode.REFUSED:
            break
        # AA speaks of the first owner in the answer, the RCODE of the last name
        # (RFC 1035 §4.1.1, RFC 6604 §3).
        found = replace(rest, answer=found.answer + rest.answer, is_authoritative=True)
    return found


def nearest_zone(zones: Iterable[Zone], name: Name) -> Zone | None:
    """Return the zone with the longest apex at or above the name."""
    above = (zone for zone in zones if name.is_subdomain(zone.apex))
    return max(above, key=lambda zone: len(zone.apex), default=None)


def negative_ttl(soa: RRset) -> int:
    """Return how long an answer with this SOA may be remembered (RFC 2308 §5)."""
    return min(soa.ttl, _soa_data(soa).minimum)


def _soa_data(soa: RRset) -> SOA:
    (data,) = soa.rdatas
    if not isinstance(data, SOA):
        raise TypeError(f"{soa.owner} {soa.rdtype.name} is no SOA")
    return data


def _nodes(apex: Name, rrsets: Iterable[RRset]) -> dict[Name, dict[RdataType, RRset]]:
    nodes: dict[Name, dict[RdataType, RRset]] = {}
    for rrset in rrsets:
        for above in _path(apex, rrset.owner):
            nodes.setdefault(above, {})
        nodes[rrset.owner][rrset.rdtype] = rrset
    return nodes


def _path(apex: Name, name: Name) -> Iterator[Name]:
    """Every name from the apex down to this one."""
    if not name.is_subdomain(apex):
        raise ValueError(f"{name} is not in the zone {apex}")
    return (name.split(depth)[1] for depth in range(len(apex), len(name) + 1))


def _next_version(zone: Zone, rrsets: Iterable[RRset]) -> Zone:
    data = _soa_data(zone.soa)
    # Serial numbers turn around (RFC 1982 §3.1).
    raised = data.replace(serial=(data.serial + 1) % 2**32)
    soa = replace(zone.soa, rdatas=(raised,))
    others = (rrset for rrset in rrsets if rrset.rdtype != RdataType.SOA)
    return replace(zone, nodes=_nodes(zone.apex, (soa, *others)))


def _lookup_once(zones: tuple[Zone, ...], name: Name, rdtype: RdataType) -> Found:
    zone = nearest_zone(zones, name)
    if zone is None:
        return Found(Rcode.REFUSED)
    cut = _zone_cut(zone, name)
    if cut is not None:
        return Found(authority=(cut,), additional=_addresses(zone, cut))
    encloser = _closest_encloser(zone, name)
    wildcard = Name((b"*", *encloser.labels))
    if encloser == name:
        return _at_node(zone, zone.nodes[name], name, rdtype)
    if wildcard in zone.nodes:  # RFC 4592 §3.3.1: only the closest encloser's wildcard counts
        return _at_node(zone, zone.nodes[wildcard], name, rdtype)
    return _nothing(zone, Rcode.NXDOMAIN)


def _open_end(found: Found, rdtype: RdataType) -> Name | None:
    if rdtype in (RdataType.CNAME, RdataType.ANY) or not found.answer:
        return None
    return found.answer[-1].alias


def _zone_cut(zone: Zone, name: Name) -> RRset | None:
    """The highest delegation at or above the name; all below it is the child's."""
    below_apex = (above for above in _path(zone.apex, name) if above != zone.apex)
    cuts = (zone.nodes.get(above, {}).get(RdataType.NS) for above in below_apex)
    return next((cut for cut in cuts if cut is not None), None)


def _addresses(zone: Zone, servers: RRset) -> tuple[RRset, ...]:
    hosts = [data.target for data in servers.rdatas if isinstance(data, NS)]
    kinds = (RdataType.A, RdataType.AAAA)
    known = (zone.nodes.get(host, {}).get(kind) for host in hosts for kind in kinds)
    return tuple(rrset for rrset in known if rrset is not None)


def _closest_encloser(zone: Zone, name: Name) -> Name:
    while name not in zone.nodes:
        name = name.parent()
    return name


def _at_node(zone: Zone, node: Node, name: Name, rdtype: RdataType) -> Found:
    if rdtype == RdataType.ANY:
        matches = tuple(node.values())
    else:
        match = node.get(rdtype) or node.get(RdataType.CNAME)
        matches = (match,) if match else ()
    if not matches:
        return _nothing(zone, Rcode.NOERROR)
    extra = _addresses(zone, matches[0]) if rdtype == RdataType.NS else ()
    answer = tuple(replace(rrset, owner=name) for rrset in matches)
    return Found(answer=answer, additional=extra, is_authoritative=True)


def _nothing(zone: Zone, rcode: Rcode) -> Found:
    # RFC 2308 §3: the SOA of a negative answer carries the time for which it holds.
    soa = replace(zone.soa, ttl=negative_ttl(zone.soa))
    return Found(rcode, authority=(soa,), is_authoritative=True)
