from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest

from monitor.core.servers import Resolver, Transport
from monitor.core.tracking.authorities import ServerHistory
from monitor.core.tracking.explain import RULES, Scene, explain
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.tracks import Track, TrackState
from monitor.core.tracking.values import Sample, Value
from tests.core.tracking.scenes import DOMAIN, HOP, NEW, OLD, RESOLVER, THIRD, VALUES, Story, at

ABSENT = VALUES["absent"]
OTHER = "dnspod"


def old(seconds: float, ttl: int, *errors: int, **more: Any) -> Sample:
    return Sample(at(seconds), more.pop("value", OLD), ttl, errors, **more)


def served(value: Value, ttl: int) -> ServerHistory:
    """One authority that gave the value until the change at 0 s, and the new one since."""
    found = ServerHistory("ns1")
    for seconds, said in ((-7200, value), (0, NEW)):
        found = found.answered(Sample(at(seconds), said, ttl), None)
    return found


@dataclass(frozen=True)
class Case:
    """What a resolver said after a change at 0 s of a record with a TTL of ten minutes."""

    reason: Reason | None
    samples: tuple[Sample, ...]
    state: TrackState = TrackState.WAITING
    track: Mapping[str, Any] = field(default_factory=dict)
    scene: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, tuple[TrackState, Sample]] = field(default_factory=dict)

    def explained(self) -> Reason | None:
        ours = Track(RESOLVER, self.state, at(0), None, recent=self.samples, **self.track)
        tracks = {RESOLVER: ours}
        for name, (state, sample) in self.others.items():
            tracks[name] = Track(name, state, at(0), None, recent=(sample,))
        scene = Scene(
            track=ours,
            owner=DOMAIN,
            domain=DOMAIN,
            new=NEW,
            detected_at=at(0),
            all_authorities_at=at(0),
            bound_at=at(600),
            authorities={"ns1": served(OLD, 600)},
            tracks=tracks,
            resolvers={RESOLVER: Resolver(RESOLVER, "192.0.2.1")},
        )
        return explain(replace(scene, **self.scene))


BEFORE = (old(60, 300),)  # fetched before the change
AFTER = (old(400, 500),)  # fetched five minutes after it
STEADY = tuple(old(t, 600) for t in (700, 800, 900))
SHORT = tuple(old(700 + t, ttl) for t, ttl in ((0, 7), (9, 3), (20, 9)))
ENCRYPTED = {
    RESOLVER: Resolver(RESOLVER, "192.0.2.1", group="cn-telecom"),
    OTHER: Resolver(OTHER, "192.0.2.1", 853, Transport.DOT, group="cn-telecom"),
}
HAS_NEW = {OTHER: (TrackState.CONVERGED, old(60, 600, value=NEW))}
LATE_TOO = {OTHER: (TrackState.OVERSTAY, old(410, 500))}
OVERSTAY = TrackState.OVERSTAY

CASES: dict[str, Case] = {
    "an authority serves the old value": Case(
        Reason.AUTH_LAG, BEFORE, scene={"all_authorities_at": None, "bound_at": None}
    ),
    "fetched while an authority still had the old value": Case(
        Reason.AUTH_LAG,
        (old(310, 500),),
        scene={"detected_at": at(0), "all_authorities_at": at(300)},
    ),
    "fetched after all authorities had the new value, and elsewhere too": Case(
        Reason.AUTH_HIDDEN_LAG, AFTER, others=LATE_TOO
    ),
    "fetched late, and parent and child name other servers": Case(
        Reason.DELEGATION, AFTER, scene={"is_delegation_consistent": False}
    ),
    "an answer for one subnet": Case(Reason.SPLIT_VIEW, (old(60, 300, subnet_scope=24),)),
    "a value that no authority gives": Case(Reason.SPLIT_VIEW, (old(60, 300, value=THIRD),)),
    "a stale answer, says the server": Case(Reason.SERVE_STALE, (old(700, 30, 3),), OVERSTAY),
    "a stale denial, says the server": Case(
        Reason.SERVE_STALE,
        (old(700, 30, 19, value=ABSENT),),
        OVERSTAY,
        scene={"authorities": {"ns1": served(ABSENT, 600)}},
    ),
    "thirty seconds again and again, and no authority within reach": Case(
        Reason.SERVE_STALE, (old(700, 30), Sample(at(710), None, 0, (22,)), old(735, 30)), OVERSTAY
    ),
    "a failure": Case(
        Reason.SERVFAIL, (Sample(at(60), None, is_failure=True),), TrackState.UNREACHABLE
    ),
    "no reachable authority, says the server": Case(
        Reason.SERVFAIL, (Sample(at(60), None, 0, (22,)),), TrackState.UNREACHABLE
    ),
    "silence": Case(None, (Sample(at(60), None),), TrackState.UNREACHABLE),
    "a TTL above the published one": Case(Reason.TTL_FLOOR, (old(60, 3000),), OVERSTAY),
    "an expired copy first, and then the new value": Case(
        Reason.OPTIMISTIC,
        (old(700, 1), old(703, 600, value=NEW), old(706, 2)),
        OVERSTAY,
        track={"surprises": 1},
    ),
    "short TTLs that are renewed again and again": Case(
        Reason.TTL_OPAQUE, SHORT, OVERSTAY, track={"surprises": 5, "caches": 1}
    ),
    "a TTL that does not run down": Case(Reason.OVERRIDE, STEADY, OVERSTAY),
    "fetched late, here alone": Case(Reason.OVERRIDE, AFTER, OVERSTAY),
    "the same resolver tells the new value over TLS": Case(
        Reason.INTERCEPTED, BEFORE, scene={"resolvers": ENCRYPTED}, others=HAS_NEW
    ),
    "a denial that is kept": Case(
        Reason.NEGATIVE_CACHE,
        (old(60, 300, value=ABSENT),),
        scene={"authorities": {"ns1": served(ABSENT, 600)}},
    ),
    "a later hop": Case(Reason.CHAIN_HOP, BEFORE, scene={"owner": HOP}),
    "a copy within its time": Case(Reason.LATE_CACHE, BEFORE),
    "none of these": Case(Reason.UNEXPLAINED, (old(800, 20),), OVERSTAY),
    "a resolver that is not late": Case(None, BEFORE, TrackState.CONFIRMING),
    "no old answer yet": Case(None, (old(60, 600, value=NEW),)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_reason_of(case: Case) -> None:
    assert case.explained() is case.reason


def test_every_reason_has_its_scene() -> None:
    shown = {case.reason for case in CASES.values()} - {None}
    assert shown == set(Reason) - {Reason.NOT_OBSERVABLE}


# Each stands before the next although the rule of the next would apply as well.
FIRST_WINS: dict[str, Case] = {
    "a lag of an authority before anything of the answer": Case(
        Reason.AUTH_LAG, (old(60, 30, 3, subnet_scope=24),), scene={"all_authorities_at": None}
    ),
    "a hidden node before the delegation": Case(
        Reason.AUTH_HIDDEN_LAG, AFTER, others=LATE_TOO, scene={"is_delegation_consistent": False}
    ),
    "the delegation before a view": Case(
        Reason.DELEGATION,
        (old(400, 500, subnet_scope=24),),
        scene={"is_delegation_consistent": False},
    ),
    "a view before a stale answer": Case(Reason.SPLIT_VIEW, (old(700, 30, 3, subnet_scope=24),)),
    "a stale answer before a floor": Case(Reason.SERVE_STALE, (old(700, 3000, 3),)),
    "a floor before a denial": Case(
        Reason.TTL_FLOOR,
        (old(60, 3000, value=ABSENT),),
        scene={"authorities": {"ns1": served(ABSENT, 600)}},
    ),
    "an override before a denial": Case(
        Reason.OVERRIDE,
        tuple(old(t, 600, value=ABSENT) for t in (700, 800, 900)),
        scene={"authorities": {"ns1": served(ABSENT, 600)}},
    ),
    "a denial before a hop": Case(
        Reason.NEGATIVE_CACHE,
        (old(60, 300, value=ABSENT),),
        scene={"authorities": {"ns1": served(ABSENT, 600)}, "owner": HOP},
    ),
    "a hop before a late cache": Case(Reason.CHAIN_HOP, BEFORE, scene={"owner": HOP}),
}


@pytest.mark.parametrize("case", FIRST_WINS.values(), ids=FIRST_WINS)
def test_the_first_rule_that_applies_wins(case: Case) -> None:
    assert case.explained() is case.reason


def test_the_rules_stand_in_the_order_of_the_reasons_but_for_what_explains_more() -> None:
    order = {reason: place for place, reason in enumerate(Reason)}
    places = [order[reason] for reason, _ in RULES]
    swapped = [pair for pair in pairwise(places) if pair[0] > pair[1]]
    # The same resolver over TLS explains a constant TTL, and not the other way round.
    assert swapped in ([], [(order[Reason.INTERCEPTED], order[Reason.OVERRIDE])])


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: str(reason.value))
def test_only_a_ttl_that_can_be_believed_gives_an_expectation(reason: Reason) -> None:
    believed = {
        Reason.AUTH_LAG,
        Reason.AUTH_HIDDEN_LAG,
        Reason.DELEGATION,
        Reason.SERVFAIL,
        Reason.TTL_FLOOR,
        Reason.NEGATIVE_CACHE,
        Reason.CHAIN_HOP,
        Reason.LATE_CACHE,
        Reason.NOT_OBSERVABLE,
    }
    assert reason.hides_expiry is (reason not in believed)


def test_shared_addresses_are_said_to_be_not_observable() -> None:
    story = Story()
    story.poll(-60, VALUES["sibling"])
    story.poll(-50, VALUES["sibling"])
    for t in (0, 10):
        story.poll(t, VALUES["flattened"])
    assert not story.change.is_observable
    assert story.track().reason is Reason.NOT_OBSERVABLE
    assert story.track().state is TrackState.UNKNOWN
    assert not story.agenda.resolvers
