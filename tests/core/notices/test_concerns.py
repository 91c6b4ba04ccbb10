from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.message import NoticeSeverity
from monitor.core.notices.concerns import Standing, standing_of
from monitor.core.notices.facts import facts_of
from monitor.core.state import DomainState
from monitor.core.status import DomainStatus, Fault, Remedy
from monitor.core.told import Concern, ConcernKind, Late
from monitor.core.tracking.changes import ChangeKind, ChangeState
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.record import RecordKey, TrackedRecord
from monitor.core.tracking.tracks import TrackState
from tests.core.notices.samples import OTHER, RESOLVERS, change, domain, policy, track
from tests.core.samples import MINUTE, RIGHT, SILENT, START, WRONG

POLICY = policy()
NOW = START + 90 * MINUTE
INFO, WARNING, CRITICAL = NoticeSeverity
SPLIT_KIND = ConcernKind.AUTHORITY_SPLIT


def told(state: DomainState) -> tuple[ConcernKind, NoticeSeverity] | None:
    concern = standing_of(state, POLICY, NOW).concern
    return (concern.kind, concern.severity) if concern else None


def waiting(*, is_told: bool = True) -> DomainState:
    stay = track("r1", TrackState.OVERSTAY, Reason.OVERRIDE, is_told=is_told)
    return domain(DomainStatus.PROPAGATING, changes=(change(ChangeState.PROPAGATING, stay),))


ALL_WRONG, ALL_RIGHT = (WRONG,) * 8, (RIGHT,) * 8
HALF_WRONG = (*ALL_WRONG[:4], *ALL_RIGHT[:4])
SPLIT = change(ChangeState.AUTH_SPLIT)
EXPIRED = change(
    ChangeState.EXPIRED, track("r1", TrackState.OVERSTAY), track("r2", TrackState.SETTLED)
)
UNVERIFIED = change(ChangeState.EXPIRED, track("r1", TrackState.UNREACHABLE))
BACK = change(
    ChangeState.PROPAGATING, track("r1", TrackState.FLAPPING), track("r2", TrackState.OVERSTAY)
)
FORGOTTEN = change(ChangeState.EXPIRED, track("r1", TrackState.OVERSTAY, is_asked=False))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (domain(DomainStatus.IN_EFFECT, *ALL_RIGHT), None),
        (domain(DomainStatus.BROKEN, *ALL_WRONG), (ConcernKind.BROKEN, CRITICAL)),
        (domain(DomainStatus.PARTIAL, *HALF_WRONG), (ConcernKind.PARTIAL, WARNING)),
        (domain(faults=frozenset({Fault.WILDCARD})), None),
        (domain(faults=frozenset({Fault.BOUND_TWICE})), (ConcernKind.FAULT, WARNING)),
        (domain(faults=frozenset({Fault.BINDING_DISABLED})), (ConcernKind.FAULT, CRITICAL)),
        (domain(faults=frozenset({Fault.AUTHORITY_SPLIT})), (SPLIT_KIND, WARNING)),
        (domain(changes=(change(),)), (ConcernKind.PROPAGATING, INFO)),
        (domain(changes=(change(kind=ChangeKind.TTL),)), None),
        (domain(changes=(change(ChangeState.CONVERGED),)), None),
        (domain(changes=(change(ChangeState.SETTLED),)), None),
        (domain(changes=(change(ChangeState.ANNOUNCED),)), None),
        (domain(changes=(SPLIT,)), (ConcernKind.AUTHORITY_SPLIT, WARNING)),
        (domain(changes=(replace(SPLIT, detected_at=NOW - 59 * MINUTE),)), None),
        (waiting(), (ConcernKind.OVERSTAY, WARNING)),
        (waiting(is_told=False), (ConcernKind.PROPAGATING, INFO)),
        (domain(changes=(BACK,)), (ConcernKind.REGRESSED, WARNING)),
        (domain(changes=(EXPIRED,)), (ConcernKind.EXPIRED, CRITICAL)),
        (domain(changes=(UNVERIFIED,)), (ConcernKind.EXPIRED, WARNING)),
        (domain(changes=(FORGOTTEN,)), None),
    ],
)  # fmt: skip
def test_each_state_has_its_concern(
    state: DomainState, expected: tuple[ConcernKind, NoticeSeverity] | None
) -> None:
    assert told(state) == expected


def test_the_gravest_leads_and_names_the_change_that_it_belongs_to() -> None:
    begun = change(at=START - MINUTE)
    state = domain(
        DomainStatus.BROKEN,
        *ALL_WRONG,
        faults=frozenset({Fault.BOUND_TWICE}),
        changes=(begun,),
    )
    concern = standing_of(state, POLICY, NOW).concern
    assert concern == Concern(ConcernKind.BROKEN, CRITICAL, START, begun.id, START - MINUTE)


def test_one_of_eight_resolvers_alone_is_no_quorum() -> None:
    assert told(domain(DomainStatus.PARTIAL, WRONG, *ALL_RIGHT[:7])) is None
    # Who does not answer does not vote.
    alone = domain(DomainStatus.PARTIAL, WRONG, RIGHT, *(SILENT,) * 6)
    assert told(alone) == (ConcernKind.PARTIAL, WARNING)


def test_where_too_few_answer_nobody_says_that_all_is_well() -> None:
    unknown = domain(DomainStatus.UNKNOWN, *(SILENT,) * 8)
    assert standing_of(unknown, POLICY, NOW) == Standing(None, is_clear=False)
    assert standing_of(domain(DomainStatus.PAUSED), POLICY, NOW) == Standing(None)


def test_while_a_change_goes_round_the_authorities_nothing_is_opened_or_closed() -> None:
    begun = replace(SPLIT, detected_at=NOW - MINUTE)
    for status in (DomainStatus.PROPAGATING, DomainStatus.IN_EFFECT):
        found = standing_of(domain(status, changes=(begun,)), POLICY, NOW)
        assert found == Standing(None, is_clear=False)


def test_what_propagates_though_no_change_was_seen_is_told_too() -> None:
    assert told(domain(DomainStatus.PROPAGATING)) == (ConcernKind.PROPAGATING, INFO)


def test_a_difference_between_authorities_waits_while_it_is_a_change_that_goes_round() -> None:
    begun = replace(SPLIT, detected_at=NOW - MINUTE)
    faults = frozenset({Fault.AUTHORITY_SPLIT})
    assert told(domain(faults=faults, changes=(begun,))) is None
    # The fault takes some rounds to be cleared after they have agreed.
    assert told(domain(faults=faults, changes=(change(),))) == (ConcernKind.PROPAGATING, INFO)


def test_a_mismatch_of_parent_and_zone_is_told_whatever_changes() -> None:
    faults = frozenset({Fault.DELEGATION_MISMATCH})
    assert told(domain(faults=faults, changes=(change(),))) == (ConcernKind.FAULT, WARNING)


def test_the_domains_own_change_comes_before_that_of_a_later_hop() -> None:
    own, hop = change(at=START + MINUTE), change(owner=OTHER)
    concern = standing_of(domain(changes=(hop, own)), POLICY, NOW).concern
    assert concern is not None and concern.change == own.id


def test_facts_group_resolvers_that_say_the_same() -> None:
    state = domain(DomainStatus.PARTIAL, WRONG, WRONG, RIGHT, SILENT)
    facts = facts_of(state, POLICY.status, NOW)
    assert (facts.asked, facts.answering, facts.in_effect) == (4, 3, 1)
    (wrong,) = facts.wrong
    assert (wrong.resolvers, wrong.remedy) == (RESOLVERS[:2], Remedy.RECORD)
    assert wrong.verdict.seen == "elsewhere.example"


def test_facts_of_a_change_name_who_is_late_why_and_until_when() -> None:
    late = replace(track("r1", TrackState.OVERSTAY, Reason.OVERRIDE))
    begun = change(ChangeState.PROPAGATING, late, track("r2", TrackState.UNREACHABLE))
    facts = facts_of(domain(changes=(begun,)), POLICY.status, NOW, begun.id).change
    assert facts is not None
    assert facts.late == (Late("r1", Reason.OVERRIDE, None),)
    assert (facts.unverified, facts.behind) == (("r2",), ("ns2",))
    assert facts.bound_at == START + timedelta(minutes=10)


def test_facts_of_a_change_that_has_ended_are_found_too() -> None:
    ended = change(ChangeState.REVERTED)
    key = RecordKey(ended.owner)
    record = TrackedRecord(ended.domain, key, ended=(ended,))
    state = replace(domain(), records={key: record})
    facts = facts_of(state, POLICY.status, NOW, ended.id).change
    assert facts is not None and facts.state is ChangeState.REVERTED
    assert facts_of(state, POLICY.status, NOW, "nothing of that id").change is None
