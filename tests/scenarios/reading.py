"""Scenario files: what a server sends, and what that must mean."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
from pydantic import TypeAdapter

from monitor.adapters.resolvers.wire import answer_of
from monitor.core.answers import Answer
from monitor.core.bindings import BucketTarget, NameTarget, Target
from monitor.core.names import DomainName
from monitor.core.targets import EndpointClass, TargetPolicy
from monitor.core.verdict import Expectation, Verdict, judge

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One answer and the verdict on it; a file's `[defaults]` fill what a case leaves out.

    `records` are lines of a zone file in the order of sending. `in_effect` absent means unknown.
    `chain` are the targets in order, `ttl` the first hop's; both are checked where they are given.
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
    policy: dict[str, Any] = field(default_factory=dict)
    verdict: str
    in_effect: bool | None = None
    rule: str | None = None
    chain: tuple[str, ...] | None = None
    ttl: int | None = None

    @property
    def expectation(self) -> Expectation:
        return Expectation(DomainName.parse(self.domain), self._target(), self._policy())

    def answer(self, records: tuple[str, ...] | None = None) -> Answer:
        """Return the answer after a trip through the wire format."""
        question = f"{DomainName.parse(self.domain)}."
        message = dns.message.make_response(dns.message.make_query(question, "A", use_edns=0))
        message.set_rcode(dns.rcode.from_text(self.rcode))
        if self.is_authoritative:
            message.flags |= dns.flags.AA
        message.answer = [_rrset(line) for line in (self.records if records is None else records)]
        message.authority = [_rrset(line) for line in self.authority_section]
        errors: list[dns.edns.Option] = [
            dns.edns.EDEOption(dns.edns.EDECode.make(code), "said the server") for code in self.ede
        ]
        message.use_edns(0, options=errors)
        return answer_of(dns.message.from_wire(message.to_wire(), one_rr_per_rrset=True))

    def judged(self, records: tuple[str, ...] | None = None) -> Verdict:
        addresses = None if self.target_addresses is None else frozenset(self.target_addresses)
        return judge(
            self.answer(records),
            self.expectation,
            target_addresses=addresses,
            asked_authority=self.asked == "authority",
        )

    def _target(self) -> Target:
        if self.target is not None:
            return NameTarget(DomainName.parse(self.target))
        return BucketTarget(self.bucket, DomainName.parse(self.endpoint))

    def _policy(self) -> TargetPolicy:
        given = dict(self.policy)
        classes = given.pop("accept_classes", None)
        usual = {
            "dedicated_suffixes": ("taihangcda.cn", "thepacificxxs.com"),
            "proxy_suffixes": ("kunlun*.com", "cdngslb.com", "yundunwaf*.com", "a1.init*.com"),
        }
        chosen = usual | {key: _frozen(value) for key, value in given.items()}
        if classes is not None:
            chosen["classes"] = frozenset(EndpointClass(name) for name in classes)
        return TargetPolicy(**chosen)


_SCENARIO = TypeAdapter(Scenario)


def scenarios() -> Iterator[Scenario]:
    """Yield every case of every file beside this one."""
    for file in sorted(FOLDER.glob("*.toml")):
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        defaults = document.get("defaults", {})
        for case in document["case"]:
            yield _SCENARIO.validate_python(defaults | case)


def _frozen(value: object) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _rrset(line: str) -> dns.rrset.RRset:
    owner, ttl, kind, *data = line.split()
    return dns.rrset.from_text(dns.name.from_text(owner), int(ttl), "IN", kind, " ".join(data))
