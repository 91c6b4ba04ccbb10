"""One recursive cache: what it remembers of each name, and for how long."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from dns.edns import EDECode
from dns.name import Name
from dns.rcode import Rcode
from dns.rdatatype import RdataType

from monitor.demo.habits import Habit
from monitor.demo.wire import Subnet
from monitor.demo.zones import Found, RRset, negative_ttl

MAX_HOPS = 20  # more than the 16 that clients accept, so that they can meet too long a chain
STALE_TTL = 30  # RFC 8767 §5

# Asks an authority; None means that none could be reached.
Upstream: TypeAlias = Callable[[Name, RdataType, Subnet | None], Found | None]

_WHOLE_NAME = RdataType.NONE  # where a memory files that a name does not exist
_UNFOLLOWED = (RdataType.CNAME, RdataType.ANY)  # RFC 1034 §3.6.2: these are not redirected


class Heard(Enum):
    """What was said of a name and type."""

    RECORDS = "records"
    NO_DATA = "no_data"
    NO_NAME = "no_name"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing remembered: an RRset, or the SOA that proves its absence."""

    heard: Heard
    rrset: RRset
    expires_at: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A name and type, for the clients of a subnet."""

    name: Name
    rdtype: RdataType
    client_subnet: Subnet | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """An answer of a cache, with the extended errors that explain it (RFC 8914)."""

    found: Found
    errors: tuple[EDECode, ...] = ()


class Memory:
    """A cache's entries by name and subnet, then by type; each expires by itself."""

    def __init__(self, upstream: Upstream) -> None:
        self.entries: dict[tuple[Name, Subnet | None], dict[RdataType, Entry]] = {}
        self._upstream = upstream

    def resolve(self, asked: Asked, habit: Habit, now: float) -> Resolved:
        """Follow the chain from memory, asking upstream only for what is not in it."""
        chain: list[_Hop] = []
        name = asked.name
        while len(chain) < MAX_HOPS:
            here = replace(asked, name=name)
            hop = _override(here, habit) or self._hop(here, habit, now)
            if hop is None:
                return _resolved(chain, Rcode.SERVFAIL, EDECode.NO_REACHABLE_AUTHORITY)
            chain.append(hop)
            target = hop.alias if asked.rdtype not in _UNFOLLOWED else None
            if target is None or any(target == passed.name for passed in chain):
                break
            name = target
        return _resolved(chain, Rcode.NOERROR)

    def flush(self) -> None:
        """Forget everything."""
        self.entries.clear()

    def _hop(self, asked: Asked, habit: Habit, now: float) -> "_Hop | None":
        known = self._known(asked)
        live = next((entry for entry in known if now < entry.expires_at), None)
        if live is not None:
            return _fresh(asked, live, now)
        found = self._upstream(asked.name, asked.rdtype, asked.client_subnet)
        heard = _hear(asked, found, habit, now) if found else None
        if heard is not None:
            self._keep(asked, heard)
            # Returned although a TTL of 0 has expired: it is good for this one question
            # (RFC 1035 §3.2.1).
            return _fresh(asked, heard, now)
        if habit.serves_stale and known:
            return _stale(asked, max(known, key=lambda entry: entry.expires_at))
        return None

    def _known(self, asked: Asked) -> list[Entry]:
        node = self.entries.get((asked.name, asked.client_subnet), {})
        known = [node[kind] for kind in (asked.rdtype, _WHOLE_NAME) if kind in node]
        alias = node.get(RdataType.CNAME)
        redirects = alias is not None and alias.heard is Heard.RECORDS
        return [alias, *known] if alias and redirects else known

    def _keep(self, asked: Asked, entry: Entry) -> None:
        node = self.entries.setdefault((asked.name, asked.client_subnet), {})
        # What was heard last displaces all that cannot be true beside it.
        if entry.heard is Heard.NO_NAME or entry.rrset.alias is not None:
            node.clear()
        node.pop(RdataType.CNAME, None)
        node.pop(_WHOLE_NAME, None)
        node[_filed_under(asked, entry)] = entry


@dataclass(frozen=True, slots=True)
class _Hop:
    """One name of a chain as it is answered now; `rrset` has the TTL to show."""

    name: Name
    heard: Heard
    rrset: RRset | None
    error: EDECode | None = None

    @property
    def alias(self) -> Name | None:
        return self.rrset.alias if self.rrset else None


def _override(asked: Asked, habit: Habit) -> _Hop | None:
    forced = [rrset for rrset in habit.overrides if rrset.owner == asked.name]
    if not forced:
        return None
    kinds = (asked.rdtype, RdataType.CNAME)
    match = next((rrset for rrset in forced if rrset.rdtype in kinds), None)
    heard = Heard.RECORDS if match else Heard.NO_DATA
    return _Hop(asked.name, heard, match, habit.error)


def _fresh(asked: Asked, entry: Entry, now: float) -> _Hop:
    # Rounded first, lest 600 be shown as 599 for a last bit of the clock's float.
    left = math.floor(round(entry.expires_at - now, 6))
    return _Hop(asked.name, entry.heard, replace(entry.rrset, ttl=left))


def _stale(asked: Asked, entry: Entry) -> _Hop:
    rrset = replace(entry.rrset, ttl=STALE_TTL)
    is_missing = entry.heard is Heard.NO_NAME
    error = EDECode.STALE_NXDOMAIN_ANSWER if is_missing else EDECode.STALE_ANSWER
    return _Hop(asked.name, entry.heard, rrset, error)


def _hear(asked: Asked, found: Found, habit: Habit, now: float) -> Entry | None:
    """What an authority's answer says of the name itself; None if it does not know.

    Later names of a chain are asked in their own right, as careful resolvers do.
    """
    for rrset in found.answer:
        is_asked = asked.rdtype in (rrset.rdtype, RdataType.ANY)
        if rrset.owner == asked.name and (is_asked or rrset.alias):
            ttl = max(rrset.ttl, habit.ttl_floor)
            return Entry(Heard.RECORDS, rrset, now + ttl)
    soa = next((rrset for rrset in found.authority if rrset.rdtype == RdataType.SOA), None)
    if found.answer or soa is None:
        return None
    heard = Heard.NO_NAME if found.rcode == Rcode.NXDOMAIN else Heard.NO_DATA
    return Entry(heard, soa, now + negative_ttl(soa))


def _filed_under(asked: Asked, entry: Entry) -> RdataType:
    match entry.heard:
        case Heard.RECORDS:
            return entry.rrset.rdtype
        case Heard.NO_DATA:
            return asked.rdtype
        case Heard.NO_NAME:
            return _WHOLE_NAME


def _resolved(chain: list[_Hop], rcode: Rcode, error: EDECode | None = None) -> Resolved:
    said = [hop.rrset for hop in chain if hop.heard is Heard.RECORDS and hop.rrset]
    proof = [hop.rrset for hop in chain if hop.heard is not Heard.RECORDS and hop.rrset]
    if any(hop.heard is Heard.NO_NAME for hop in chain):
        rcode = Rcode.NXDOMAIN
    errors = dict.fromkeys([*(hop.error for hop in chain), error])
    found = Found(rcode, tuple(said), tuple(proof))
    return Resolved(found, tuple(code for code in errors if code is not None))
