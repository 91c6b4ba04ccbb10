"""The TXT record that proves to OSS whose a domain is, and who sees it.

Source: the vendor's page on CreateCnameToken. The token is valid for 72 hours: a time limit of its
own, which has nothing to do with how long a modified record may be cached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from monitor.core.answers import Answer, NoAnswer, Question, RecordType, Reply
from monitor.core.chain import rebuild
from monitor.core.names import DomainName

_LABEL = "_dnsauth"


@dataclass(frozen=True, slots=True)
class CnameToken:
    """What OSS wants to find under the domain, and until when it will look for that."""

    domain: DomainName
    bucket: str
    account: str
    value: str
    expires_at: datetime | None = None

    @property
    def owner(self) -> DomainName:
        """The name of the record."""
        return DomainName(f"{_LABEL}.{self.domain.text}")

    def host_in(self, zone: DomainName) -> str:
        """Return the record's name as it is typed into the zone's form: without the zone."""
        return self.owner.text.removesuffix(f".{zone.text}")

    def question(self, *, is_recursion_desired: bool) -> Question:
        return Question(self.owner, RecordType.TXT, is_recursion_desired)


class Proof(Enum):
    """What one server's answer says of the record."""

    VISIBLE = "visible"
    OTHER_VALUE = "other_value"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sight:
    """One server's answer about the record; `values` is what it holds.

    `kept_until` is until when a resolver may go on saying so: for an absent record the negative
    TTL of its answer (RFC 2308 §5), for another value that record's.
    """

    server: str
    is_authority: bool
    proof: Proof
    reply: Reply
    values: tuple[str, ...] = ()
    kept_until: datetime | None = None


def sight_of(server: str, reply: Reply, token: CnameToken, *, is_authority: bool) -> Sight:
    """Return what a server's reply says of the token's record."""

    def seen(proof: Proof, values: Sequence[str] = (), ttl: int | None = None) -> Sight:
        is_kept = ttl is not None and not is_authority
        until = reply.at + timedelta(seconds=ttl or 0) if is_kept else None
        return Sight(server, is_authority, proof, reply, tuple(values), until)

    answer = reply.outcome
    if isinstance(answer, NoAnswer) or answer.rcode.is_failure:
        return seen(Proof.UNKNOWN)
    if is_authority and not answer.is_authoritative:
        return seen(Proof.UNKNOWN)
    chain = rebuild(token.owner, answer)
    texts = [text for text in answer.texts if text.name == chain.end]
    values = [text.value for text in texts]
    if token.value in values:
        return seen(Proof.VISIBLE, values)
    if values:
        return seen(Proof.OTHER_VALUE, values, min(text.ttl for text in texts))
    if is_authority and chain.links and not _is_told(answer, chain.end):
        return seen(Proof.UNKNOWN)  # the record is somewhere else, in another zone
    return seen(Proof.ABSENT, (), answer.negative_ttl)


def _is_told(answer: Answer, end: DomainName) -> bool:
    """True where an authority says of the chain's end, in a zone of its own: no record."""
    return answer.soa_owner is not None and end.is_within(answer.soa_owner)


@dataclass(frozen=True, slots=True)
class Sights:
    """Who sees the record now; `zone` is None where no authority is known.

    The resolvers are left out until an authority has it.
    """

    token: CnameToken
    zone: DomainName | None
    authorities: tuple[Sight, ...] = ()
    resolvers: tuple[Sight, ...] = ()

    @property
    def answering(self) -> tuple[Sight, ...]:
        return tuple(s for s in self.all if s.proof is not Proof.UNKNOWN)

    @property
    def all(self) -> tuple[Sight, ...]:
        return (*self.authorities, *self.resolvers)

    @property
    def is_visible(self) -> bool | None:
        """Tell whether everybody who answers sees it; None where nobody answers."""
        if not self.answering:
            return None
        is_asked = any(sight.proof is not Proof.UNKNOWN for sight in self.resolvers)
        return is_asked and all(sight.proof is Proof.VISIBLE for sight in self.answering)

    @property
    def kept_until(self) -> datetime | None:
        """The moment after which no resolver can remember that it was not there."""
        moments = (s.kept_until for s in self.resolvers if s.proof is not Proof.VISIBLE)
        return max((moment for moment in moments if moment is not None), default=None)


def may_ask_resolvers(authorities: Sequence[Sight]) -> bool:
    """Tell whether a question to a resolver can do no harm.

    Before an authority has the record, it would plant in the cache that there is none. Where no
    authority answers, nobody can tell.
    """
    answering = [sight for sight in authorities if sight.proof is not Proof.UNKNOWN]
    return not answering or any(sight.proof is Proof.VISIBLE for sight in answering)
