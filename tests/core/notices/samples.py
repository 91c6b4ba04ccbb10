"""Domains in trouble, and changes under way, for the tests of notices."""

from dataclasses import replace
from datetime import datetime, timedelta

from monitor.core.answers import Answer, NoAnswer
from monitor.core.hysteresis import Settled
from monitor.core.names import DomainName
from monitor.core.notices.policy import NoticePolicy, Route
from monitor.core.state import DomainState
from monitor.core.status import DomainStatus, Fault, StatusPolicy
from monitor.core.tracking.changes import (
    AuthorityNow,
    AuthorityState,
    Change,
    ChangeKind,
    ChangeState,
    Source,
    change_id,
)
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.record import RecordKey, TrackedRecord
from monitor.core.tracking.tracks import Track, TrackState
from monitor.core.tracking.values import alias
from monitor.core.views import View
from tests.core.samples import BINDING, DOMAIN, START, TARGET, sighting

RESOLVERS = tuple(f"r{number}" for number in range(1, 9))
WINDOW = timedelta(hours=72)
OLD, NEW = alias(DomainName("elsewhere.example")), alias(TARGET.name)
OTHER = DomainName("www.shop.example")


def policy(*routes: Route, **more: object) -> NoticePolicy:
    base = NoticePolicy(StatusPolicy(dict.fromkeys(RESOLVERS, 1.0)), routes or (Route("oncall"),))
    return replace(base, **more)  # type: ignore[arg-type]  # a test names what it changes


def domain(
    status: DomainStatus = DomainStatus.IN_EFFECT,
    *outcomes: Answer | NoAnswer,
    faults: frozenset[Fault] = frozenset(),
    changes: tuple[Change, ...] = (),
    name: DomainName = DOMAIN,
) -> DomainState:
    """Return a domain whose resolvers say these things, one each, as far as there are any."""
    views = {
        server: View(sighting(server, outcome), START)
        for server, outcome in zip(RESOLVERS, outcomes, strict=False)
    }
    records = {
        key: TrackedRecord(name, key, change=change)
        for change in changes
        for key in [RecordKey(change.owner, change.view or "")]
    }
    return DomainState(
        name,
        replace(BINDING, domain=name),
        START,
        status=Settled(status),
        faults=faults,
        resolvers=views,
        records=records,
    )


def change(
    state: ChangeState = ChangeState.PROPAGATING,
    *tracks: Track,
    at: datetime = START,
    owner: DomainName = DOMAIN,
    kind: ChangeKind = ChangeKind.MODIFIED,
    name: DomainName = DOMAIN,
) -> Change:
    bound_at = at + timedelta(minutes=10)
    return Change(
        id=change_id(at, owner.text),
        domain=name,
        owner=owner,
        view=None,
        kind=kind,
        state=state,
        source=Source.OBSERVED,
        old=OLD,
        new=NEW,
        old_ttl=600,
        detected_at=at,
        deadline_at=at + WINDOW,
        all_authorities_at=None if state is ChangeState.AUTH_SPLIT else at,
        bound_at=None if state is ChangeState.AUTH_SPLIT else bound_at,
        expired_at=at + WINDOW if state is ChangeState.EXPIRED else None,
        authorities=(
            AuthorityNow("ns1", AuthorityState.NEW, NEW, 600, 2),
            AuthorityNow("ns2", AuthorityState.OLD, OLD, 600, 1),
        ),
        tracks={track.resolver: track for track in tracks},
        by="ops",
        note="move to Shanghai",
    )


def track(
    resolver: str,
    state: TrackState,
    reason: Reason | None = None,
    *,
    at: datetime = START,
    is_told: bool = True,
    is_asked: bool = True,
) -> Track:
    next_at = at + timedelta(minutes=1) if is_asked else None
    is_stay = state is TrackState.OVERSTAY and is_told
    return Track(resolver, state, at, next_at, reason, overstay_told=is_stay)
