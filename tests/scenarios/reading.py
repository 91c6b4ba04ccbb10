"""Scenario files: what a server sends, and what that must mean."""

import struct
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
from pydantic import ConfigDict, TypeAdapter, with_config

from monitor.adapters.resolvers.wire import answer_of
from monitor.config.targets import Targets
from monitor.core.bindings import BucketTarget, NameTarget, Target
from monitor.core.names import DomainName
from monitor.core.verdict import Expectation, Verdict, judge

FOLDER = Path(__file__).parent


# A key that nobody knows is a slip: it would leave a case weaker than it reads.
@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One answer and the verdict on it; a file's `[defaults]` fill what a case leaves out.

    `records` are lines of a zone file in the order of sending. `policy` has keys of `[targets]`;
    what it leaves out is as shipped. `in_effect` absent means unknown. `rule`, the targets in
    `chain` and the first hop's `ttl` are checked where they are given.
    """

    name: str
    domain: str = "img.shop.example"
    bucket: str = "shop-img"
    endpoint: str = "oss-cn-hangzhou.aliyuncs.com"
    target: str | None = None
    records: tuple[str, ...] = ()
    authority_section: tuple[str, ...] = ()
    rcode: str = "NOERROR"
    is_authoritative: bool = False
    ede: tuple[int, ...] = ()
    asked: str = "resolver"
    target_addresses: tuple[str, ...] | None = None
    policy: dict[str, list[str] | bool] = field(default_factory=dict)
    verdict: str
    in_effect: bool | None = None
    rule: str | None = None
    chain: tuple[str, ...] | None = None
    ttl: int | None = None

    @property
    def expectation(self) -> Expectation:
        policy = {key: _frozen(value) for key, value in self.policy.items()}
        return Expectation(
            DomainName.parse(self.domain), self._target(), Targets.model_validate(policy).policy
        )

    def judged(self, records: tuple[str, ...] | None = None) -> Verdict:
        """Return the verdict on the scenario's records, or on others in their place."""
        addresses = None if self.target_addresses is None else frozenset(self.target_addresses)
        return judge(
            answer_of(self.received(records)),
            self.expectation,
            target_addresses=addresses,
            asked_authority=self.asked == "authority",
        )

    def received(self, records: tuple[str, ...] | None = None) -> dns.message.Message:
        """Return the server's message after a trip through the wire format."""
        question = f"{DomainName.parse(self.domain)}."
        message = dns.message.make_response(dns.message.make_query(question, "A", use_edns=0))
        if self.is_authoritative:
            message.flags |= dns.flags.AA
        message.answer = [_rrset(line) for line in (self.records if records is None else records)]
        message.authority = [_rrset(line) for line in self.authority_section]
        errors: list[dns.edns.Option] = [
            dns.edns.EDEOption(dns.edns.EDECode.make(code), "said the server") for code in self.ede
        ]
        message.use_edns(0, options=errors)
        message.set_rcode(dns.rcode.from_text(self.rcode))
        # Every record by itself, as it was sent: no set may hide what stands in it twice.
        return dns.message.from_wire(_wire(message), one_rr_per_rrset=True)

    def _target(self) -> Target:
        if self.target is not None:
            return NameTarget(DomainName.parse(self.target))
        return BucketTarget(self.bucket, DomainName.parse(self.endpoint))


_SCENARIO = TypeAdapter(Scenario)


def scenarios() -> Iterator[Scenario]:
    """Yield every case of every file beside this one."""
    for file in sorted(FOLDER.glob("*.toml")):
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        defaults = document.get("defaults", {})
        for case in document["case"]:
            yield _SCENARIO.validate_python(defaults | case)


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _rrset(line: str) -> dns.rrset.RRset:
    owner, ttl, kind, *data = line.split()
    return dns.rrset.from_text(dns.name.from_text(owner), int(ttl), "IN", kind, " ".join(data))


def _wire(message: dns.message.Message) -> bytes:
    """Return the message with every name in full.

    Compression would give a repeated name the letters in which it came first.
    """
    assert message.opt is not None, "every answer of the corpus has EDNS"
    (asked,), wire = message.question, BytesIO()
    counts = 1, len(message.answer), len(message.authority), 1
    wire.write(struct.pack("!6H", message.id, message.flags, *counts))
    asked.name.to_wire(wire)
    wire.write(struct.pack("!2H", asked.rdtype, asked.rdclass))
    for rrset in [*message.answer, *message.authority, message.opt]:
        rrset.to_wire(wire)
    return wire.getvalue()
