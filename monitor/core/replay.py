"""Judge stored answers again: what the rules of now say of what was seen then."""

from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from monitor.core.answers import Answer
from monitor.core.bindings import BucketTarget, NameTarget, Target
from monitor.core.chain import rebuild
from monitor.core.events import EventType, Json, Record
from monitor.core.names import DomainName
from monitor.core.targets import TargetPolicy, classify
from monitor.core.verdict import Expectation, Rule, Verdict, VerdictKind, judge


@dataclass(frozen=True, slots=True)
class Heard:
    """A stored message, read again: what was asked, and what was answered.

    `records` and `authority` are lines as in a zone file; whoever asks an authority does not ask
    for recursion, and the answer repeats that.
    """

    question: DomainName
    is_recursion_desired: bool
    rcode: str
    records: tuple[str, ...]
    authority: tuple[str, ...]
    answer: Answer


Decode: TypeAlias = Callable[[bytes], Heard | None]
"""Reads a stored message; None where that cannot be done."""


class Unjudged(Enum):
    """Why a stored answer could not be judged again."""

    NO_MESSAGE = "no_message"  # nothing came, then as now
    UNREADABLE = "unreadable"
    UNBOUND = "unbound"  # the log does not tell what the domain was bound to


@dataclass(frozen=True, slots=True)
class Rejudged:
    """One stored answer, judged then and now; `rule` is empty where it was not stored."""

    seq: int
    domain: DomainName
    server: str
    at: str
    kind: str
    rule: str
    target: Target
    target_addresses: frozenset[str] | None
    heard: Heard
    verdict: Verdict

    @property
    def differs(self) -> bool:
        """True where the verdict is another one, or another rule has made it."""
        is_other_rule = bool(self.rule) and self.rule != self.verdict.rule.value
        return self.kind != self.verdict.kind.value or is_other_rule


@dataclass(slots=True)
class Replay:
    """Goes along the log, and remembers what each domain was bound to.

    An answer that several records rest on is judged once.
    """

    policy: TargetPolicy
    decode: Decode
    _targets: dict[DomainName, Target] = field(default_factory=dict)
    _known: set[tuple[str, ...]] = field(default_factory=set)

    def learn(self, record: Record) -> None:
        """Remember what the record says of bindings."""
        event = record.event
        if event.domain is None:
            return
        if event.type is EventType.BINDING_ADDED:
            self._bind(event.domain, event.data)
        elif event.type is EventType.BINDING_MOVED:
            after = event.data.get("to")
            self._bind(event.domain, after if isinstance(after, Mapping) else {})

    def judged(self, record: Record) -> Iterator[Rejudged | Unjudged]:
        """Yield what becomes of each answer that the record rests on."""
        domain = record.event.domain
        if domain is not None:
            for evidence in self._unknown(domain, record.event.evidence):
                yield self._again(record.seq, domain, evidence)

    def _bind(self, domain: DomainName, data: Mapping[str, Json]) -> None:
        target = _target(data, self.policy)
        if target is not None:
            self._targets[domain] = target

    def _unknown(
        self, domain: DomainName, shown: Iterable[Mapping[str, Json]]
    ) -> Iterator[Mapping[str, Json]]:
        for evidence in shown:
            parts = (_text(evidence, key) for key in ("resolver", "at", "wire"))
            key = (domain.text, *parts)
            if key not in self._known:
                self._known.add(key)
                yield evidence

    def _again(
        self, seq: int, domain: DomainName, evidence: Mapping[str, Json]
    ) -> Rejudged | Unjudged:
        wire, target = _octets(_text(evidence, "wire")), self._targets.get(domain)
        if not wire:
            return Unjudged.NO_MESSAGE
        heard = self.decode(wire)
        if heard is None:
            return Unjudged.UNREADABLE
        if target is None:
            return Unjudged.UNBOUND
        kind, rule = _text(evidence, "verdict"), _text(evidence, "rule")
        own = _target_addresses(heard, kind, rule)
        verdict = judge(
            heard.answer,
            Expectation(heard.question, target, self.policy),
            target_addresses=own,
            asked_authority=not heard.is_recursion_desired,
        )
        server, at = _text(evidence, "resolver"), _text(evidence, "at")
        return Rejudged(seq, domain, server, at, kind, rule, target, own, heard, verdict)


def _target(data: Mapping[str, Json], policy: TargetPolicy) -> Target | None:
    """Return what a record says that a domain was bound to."""
    name, bucket, endpoint = (_text(data, key) for key in ("target", "bucket", "endpoint"))
    if bucket and endpoint:
        return BucketTarget(bucket, DomainName(endpoint))
    if not name:
        return None
    known = classify(DomainName(name), policy)
    is_told = "bucket" in data  # earlier logs have but the name
    if known is None or not known.bucket or is_told:
        return NameTarget(DomainName(name))
    return BucketTarget(known.bucket, DomainName(name.removeprefix(f"{known.bucket}.")))


def _target_addresses(heard: Heard, kind: str, rule: str) -> frozenset[str] | None:
    """Return addresses of the target that fit what was found when they were asked for.

    Which they were is not stored, but how they compared with the answer's is.
    """
    if Rule.ADDRESSES_OF_TARGET.value == rule or kind == VerdictKind.IN_EFFECT_FLATTENED.value:
        return frozenset(rebuild(heard.question, heard.answer).addresses)
    if Rule.OTHER_ADDRESSES.value == rule or kind == VerdictKind.NO_CNAME.value:
        return frozenset()
    return None


def _octets(wire: str) -> bytes:
    try:
        return b64decode(wire, validate=True)
    except ValueError:
        return b""


def _text(data: Mapping[str, Json], key: str) -> str:
    value = data.get(key)
    return "" if value is None else str(value)
