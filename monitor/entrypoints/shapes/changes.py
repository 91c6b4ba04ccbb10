"""Changes of records."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from monitor.core.tracking.changes import AuthorityState, ChangeKind, ChangeState, Source
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.tracks import TrackState
from monitor.core.tracking.values import ValueKind
from monitor.entrypoints.shapes.fields import (
    A_NAME,
    A_TARGET,
    A_ULID,
    Instant,
    Seconds,
    Share,
    maybe_one_of,
    one_of,
    said,
)


class ServedDocument(TypedDict):
    """What one authoritative server has to do with a change."""

    server: Annotated[str, said("its name and address", "ns1.dns.example (192.0.2.53)")]
    value: Annotated[str | None, said("what it serves, or served last", A_TARGET)]
    ttl: Annotated[Seconds | None, said("with which time to live, in seconds", 600)]
    serial: Annotated[int | None, said("the zone's serial there", 2026031401)]
    state: Annotated[str, one_of(AuthorityState), said("which value that is", "new")]


class TrackDocument(TypedDict):
    """One resolver's way through a change."""

    resolver: Annotated[str, said("the resolver's name in the configuration", "telecom")]
    state: Annotated[str, one_of(TrackState), said("where it stands", "waiting")]
    reason: Annotated[
        str | None,
        maybe_one_of(Reason),
        said("why it still has the old value", "ttl_floor"),
    ]
    caches: Annotated[
        int | None, Field(ge=0), said("how many answer for it; null before the census", 3)
    ]
    confidence: Annotated[Share | None, said("that all of them have the new value", 0.99)]
    progress: Annotated[Share | None, said("the share that has it", 0.6667)]
    first_new_at: Annotated[Instant | None, Field(description="when the new value was first seen")]
    last_old_at: Annotated[Instant | None, Field(description="when the old one was last seen")]
    eta_at: Annotated[
        Instant | None, Field(description="when its last old copy that is known expires")
    ]
    next_at: Annotated[Instant | None, Field(description="when it is asked again")]
    since: Annotated[Instant, Field(description="since when it is in this state")]


class ChangeDocument(TypedDict):
    """One change of a record, and how far it has come."""

    id: Annotated[str, said("a ULID: ids sort by the time of the change", A_ULID)]
    domain: Annotated[str, said("the domain, in A-labels", A_NAME)]
    display: Annotated[str, said("the same as people write it", A_NAME)]
    owner: Annotated[str, said("the record: the domain's own, or a later hop", A_NAME)]
    view: Annotated[
        str | None, said("the client subnet that gets it; null for all", "198.51.100.0/24")
    ]
    kind: Annotated[str, one_of(ChangeKind), said("what was changed", "modified")]
    state: Annotated[str, one_of(ChangeState), said("where it stands", "propagating")]
    source: Annotated[str, one_of(Source), said("how it became known", "observed")]
    old: Annotated[str | None, said("the old value; empty: there was none", A_TARGET)]
    old_kind: Annotated[
        str | None,
        maybe_one_of(ValueKind),
        said("what the old value is", "alias"),
    ]
    new: Annotated[str, said("the new value; empty: there is none", A_TARGET)]
    new_kind: Annotated[str, one_of(ValueKind), said("what the new value is", "alias")]
    old_ttl: Annotated[Seconds | None, said("the old record's time to live, in seconds", 600)]
    planned_at: Annotated[Instant | None, Field(description="for when it was announced")]
    edited_at: Annotated[
        Instant | None, Field(description="when it was edited, by the DNS provider's API")
    ]
    lines: Annotated[tuple[str, ...], said("for which of the provider's lines", ["telecom"])]
    unseen_since: Annotated[
        Instant | None, Field(description="when the old value was last seen at an authority")
    ]
    detected_at: Annotated[Instant, Field(description="when it was first seen at an authority")]
    all_authorities_at: Annotated[
        Instant | None, Field(description="when all authorities served the new value")
    ]
    bound_at: Annotated[
        Instant | None,
        Field(description="when every cache that keeps to the TTL has forgotten the old value"),
    ]
    bound_is_assumed: Annotated[
        bool, said("true where the old TTL was not seen, and the longest is assumed", False)
    ]
    eta_at: Annotated[
        Instant | None, Field(description="when the last old copy that is known expires")
    ]
    deadline_at: Annotated[Instant, Field(description="when the window of the change is over")]
    converged_at: Annotated[Instant | None, Field(description="when all resolvers had converged")]
    settled_at: Annotated[Instant | None, Field(description="when it was settled")]
    expired_at: Annotated[
        Instant | None, Field(description="when the window was over without that")
    ]
    progress: Annotated[Share, said("the share of resolvers with the new value", 0.8)]
    coverage: Annotated[Share, said("the share of resolvers that answer", 1.0)]
    by: Annotated[str | None, said("who announced it", "ops")]
    note: Annotated[str | None, said("what they noted", "move to another bucket")]
    supersedes: Annotated[str | None, said("the change that it came upon", A_ULID)]
    authorities: Annotated[
        tuple[ServedDocument, ...], Field(description="the authoritative servers")
    ]
    tracks: Annotated[tuple[TrackDocument, ...], Field(description="the resolvers, by name")]
