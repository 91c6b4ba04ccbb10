"""Domains, and what servers answer of them."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from monitor.core.servers import Transport
from monitor.core.status import DomainStatus, Fault
from monitor.core.verdict import Rule, VerdictKind
from monitor.entrypoints.shapes.changes import ChangeDocument
from monitor.entrypoints.shapes.fields import A_NAME, A_TARGET, Instant, Seconds, one_of, said


class LinkDocument(TypedDict):
    """One CNAME of a chain."""

    name: Annotated[str, said("the record's owner", A_NAME)]
    target: Annotated[str, said("where it leads", A_TARGET)]
    ttl: Annotated[Seconds, said("for how many seconds it may be kept", 600)]


class ViewDocument(TypedDict):
    """What a server's newest answer means."""

    verdict: Annotated[str, one_of(VerdictKind), said("what it means", "in_effect")]
    rule: Annotated[str, one_of(Rule), said("the rule that decided", "exact-target")]
    seen: Annotated[str, said("what the rule saw, mostly a name", A_TARGET)]
    in_effect: Annotated[
        bool | None, said("whether the target is reached; null where nobody can know", True)
    ]
    since: Annotated[Instant, Field(description="since when it says so")]
    rcode: Annotated[str | None, said("the response code; null without an answer", "NOERROR")]
    chain: Annotated[tuple[LinkDocument, ...], Field(description="the CNAMEs, from the domain on")]
    addresses: Annotated[tuple[str, ...], said("at the chain's end", ["203.0.113.80"])]
    ttl: Annotated[Seconds | None, said("of the domain's own record, in seconds", 600)]
    transport: Annotated[str, one_of(Transport), said("how the answer came", "udp")]
    rtt_ms: Annotated[float, Field(ge=0), said("round-trip time in milliseconds", 12.3)]
    ede: Annotated[tuple[int, ...], said("extended errors (RFC 8914)", [3])]
    nsid: Annotated[str | None, said("the server's own name (RFC 5001)", "hkg04.dns.example")]
    at: Annotated[Instant, Field(description="when the answer came")]


class AnswerDocument(ViewDocument):
    """What one resolver answered."""

    resolver: Annotated[str, said("the resolver's name in the configuration", "telecom")]
    group: Annotated[str, said("the resolver's group", "cn-telecom")]


class AuthorityDocument(ViewDocument):
    """What one authoritative server answered."""

    server: Annotated[str, said("its name and address", "ns1.dns.example (192.0.2.53)")]


class DomainDocument(TypedDict):
    """One domain with every answer."""

    domain: Annotated[str, said("the domain, in A-labels", A_NAME)]
    display: Annotated[str, said("the same as people write it", A_NAME)]
    bucket: Annotated[str | None, said("the bucket that it is bound to", "shop-img")]
    endpoint: Annotated[str | None, said("the bucket's endpoint", "oss-cn-hangzhou.aliyuncs.com")]
    target: Annotated[str | None, said("the name that its chain should hold", A_TARGET)]
    account: Annotated[
        str | None, said("the account that listed it; `config` for the configuration", "shop")
    ]
    labels: Annotated[Mapping[str, str], said("from the configuration", {"team": "media"})]
    status: Annotated[str, one_of(DomainStatus), said("where it stands", "in_effect")]
    since: Annotated[Instant, Field(description="since when")]
    faults: Annotated[
        tuple[Annotated[str, one_of(Fault)], ...],
        said("what is wrong with it besides what resolvers answer", ["ttl_high"]),
    ]
    answers: Annotated[
        tuple[AnswerDocument, ...],
        Field(description="of the resolvers that were asked, in the configured order"),
    ]
    authorities: Annotated[
        tuple[AuthorityDocument, ...], Field(description="the same of the authoritative servers")
    ]
    change: Annotated[
        ChangeDocument | None, Field(description="what is under way with it, or was last")
    ]


class ResolverDocument(TypedDict):
    """One resolver that is asked."""

    resolver: Annotated[str, said("its name in the configuration", "telecom")]
    group: Annotated[str, said("its group", "cn-telecom")]
    address: Annotated[str, said("an IP address; a URL for DoH", "192.0.2.1")]
    port: Annotated[int, Field(ge=1, le=65535), said("the port", 53)]
    transport: Annotated[str, one_of(Transport), said("how it is asked", "udp")]
    client_subnet: Annotated[
        str | None, said("the subnet in whose name it is asked (RFC 7871)", "198.51.100.0/24")
    ]
    up: Annotated[bool | None, said("whether its last replies hold any answer; null before", True)]
