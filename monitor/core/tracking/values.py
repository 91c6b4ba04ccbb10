"""What a record says at one name, in the form in which changes are told."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from monitor.core.answers import Answer, Rcode
from monitor.core.names import DomainName
from monitor.core.verdict import VerdictKind
from monitor.core.views import Sighting


class ValueKind(Enum):
    """In which way a name says where it leads."""

    ALIAS = "alias"
    FLATTENED = "flattened"  # no CNAME, but the target's own addresses
    ADDRESSES = "addresses"  # others than the target's
    ABSENT = "absent"  # NXDOMAIN or NODATA: either is a denial (RFC 2308)


@dataclass(frozen=True, slots=True)
class Value:
    """A CNAME's target, a set of addresses, or nothing."""

    kind: ValueKind
    target: DomainName | None = None
    addresses: frozenset[str] = frozenset()

    def is_same(self, other: "Value") -> bool:
        """Tell whether both say the same; addresses that rotate within a set are no change."""
        if self.kind is not other.kind:
            return False
        if self.kind is ValueKind.ADDRESSES:
            return bool(self.addresses & other.addresses)
        return self.target == other.target

    def is_told_apart_from(self, other: "Value") -> bool:
        """Tell whether an answer shows which of the two it is.

        Buckets of one region share addresses, so two flattened names may look alike.
        """
        if self.kind is other.kind is ValueKind.ALIAS:
            return self.target != other.target
        return not self.addresses & other.addresses

    @property
    def text(self) -> str:
        """The value as people and scripts read it; empty where there is none."""
        if self.kind is ValueKind.ALIAS and self.target is not None:
            return self.target.text
        return ", ".join(sorted(self.addresses))


ABSENT = Value(ValueKind.ABSENT)


def alias(target: DomainName) -> Value:
    return Value(ValueKind.ALIAS, target)


@dataclass(frozen=True, slots=True)
class Sample:
    """What one answer says of one record, at `at`; `ttl` in seconds.

    `value` is None where nothing usable came, or where the answer's chain does not come by.
    """

    at: datetime
    value: Value | None
    ttl: int = 0
    extended_errors: tuple[int, ...] = ()
    nsid: str | None = None
    subnet_scope: int | None = None
    is_failure: bool = False  # SERVFAIL: the server lives, and could not find out


def sample_of(sighting: Sighting, owner: DomainName) -> Sample:
    """Return what the answer says of the record at `owner`, a name of its chain."""
    at, verdict, outcome = sighting.reply.at, sighting.verdict, sighting.reply.outcome
    if not isinstance(outcome, Answer):
        return Sample(at, None)
    value, ttl = _value_at(owner, sighting, outcome) if verdict.kind.is_answer else (None, 0)
    return Sample(
        at,
        value,
        ttl,
        tuple(error.code for error in outcome.extended_errors),
        outcome.nsid,
        outcome.subnet_scope,
        is_failure=outcome.rcode is Rcode.SERVFAIL,
    )


def _value_at(owner: DomainName, sighting: Sighting, answer: Answer) -> tuple[Value | None, int]:
    chain = sighting.verdict.chain
    for link in chain.links:
        if link.name == owner:
            return alias(link.target), link.ttl
    if chain.end != owner:
        return None, 0
    at_owner = [address for address in answer.addresses if address.name == owner]
    if not at_owner:
        return ABSENT, answer.negative_ttl or 0
    is_flattened = sighting.verdict.kind is VerdictKind.IN_EFFECT_FLATTENED
    kind = ValueKind.FLATTENED if is_flattened else ValueKind.ADDRESSES
    found = frozenset(address.address for address in at_owner)
    return Value(kind, addresses=found), min(address.ttl for address in at_owner)
