"""Messages in both languages: whatever is told has words, and is short."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.events import GENESIS, Event, EventType, Json, seal
from monitor.core.message import Message, NoticeSeverity
from monitor.core.notices.deciding import with_notices
from monitor.core.notices.dispatch import Parcel
from monitor.core.state import DomainState, State, Step
from monitor.core.status import DomainStatus, Fault
from monitor.core.told import Concern, ConcernKind, Facts, Letter, Notice, Reason
from monitor.core.tracking.changes import ChangeState
from monitor.core.tracking.reasons import Reason as LateReason
from monitor.core.tracking.tracks import TrackState
from monitor.wording import Language, wording
from monitor.wording.history import entry
from monitor.wording.notices import message_of
from tests.core.notices.samples import OTHER, change, domain, policy, track
from tests.core.samples import DOMAIN, RIGHT, START, WRONG

PAGES = "https://dns.example/monitor/"
HOUR = timedelta(hours=1)
every_language = pytest.mark.parametrize("language", Language)

LATE = (
    track("r1", TrackState.OVERSTAY, LateReason.OVERRIDE),
    track("r2", TrackState.UNREACHABLE),
)
STATES = (
    domain(DomainStatus.BROKEN, *(WRONG,) * 8),
    domain(DomainStatus.PARTIAL, *(WRONG,) * 5, *(RIGHT,) * 3),
    domain(faults=frozenset({Fault.BOUND_TWICE})),
    domain(faults=frozenset({Fault.AUTHORITY_SPLIT})),
    domain(changes=(change(ChangeState.AUTH_SPLIT),)),
    domain(changes=(change(),)),
    domain(changes=(change(ChangeState.PROPAGATING, *LATE),)),
    domain(changes=(change(ChangeState.PROPAGATING, track("r1", TrackState.REGRESSED)),)),
    domain(changes=(change(ChangeState.EXPIRED, *LATE, owner=OTHER),)),
)


def notice_of(state: DomainState) -> Notice:
    (notice,) = with_notices(State(), Step((state,)), policy(), START + 2 * HOUR).notices
    return notice


def said(notice: Notice, language: Language = Language.ENGLISH) -> Message:
    return message_of(Parcel((Letter(notice, START),)), wording(language), PAGES)


def test_the_samples_are_of_every_kind() -> None:
    assert {notice_of(state).concern.kind for state in STATES} == set(ConcernKind)


@every_language
@pytest.mark.parametrize("reason", [r for r in Reason if r.is_told], ids=lambda r: r.value)
@pytest.mark.parametrize("state", STATES, ids=lambda s: notice_of(s).concern.kind.value)
def test_every_notice_has_short_lines_without_gaps(
    language: Language, reason: Reason, state: DomainState
) -> None:
    message = said(replace(notice_of(state), reason=reason), language)
    assert DOMAIN.text in message.title and len(message.title) < 100
    lines = message.body.splitlines()
    assert 1 < len(lines) <= 14 and len(lines) == len(set(lines))
    assert all(line.strip() == line and 0 < len(line) < 260 for line in lines)
    assert not re.search(r"[{}]|None", message.title + message.body)
    assert message.is_over == (reason is Reason.OVER)


def test_a_broken_domain_is_told_with_target_counts_cause_and_remedy() -> None:
    message = said(notice_of(STATES[0]))
    assert message.title == "[critical] img.shop.example: broken (not OSS)"
    assert message.body.splitlines() == [
        "Should lead to shop-img.oss-cn-shanghai.aliyuncs.com",
        "Since 2026-01-01 00:00 UTC",
        "0 of 8 answering resolvers reach the target, 8 asked",
        "r1, r2, r3, r4 and 4 more: The chain ends at elsewhere.example, which is no name of OSS.",
        (
            "Do: Set the CNAME of img.shop.example to shop-img.oss-cn-shanghai.aliyuncs.com. If "
            "elsewhere.example is a CDN or proxy of yours, add its suffix to "
            "targets.via_proxy_suffixes."
        ),
    ]
    assert message.link == "https://dns.example/monitor/domains/img.shop.example"


def test_a_late_change_is_told_with_both_values_who_is_old_why_and_until_when() -> None:
    message = said(notice_of(STATES[6]))
    assert message.title == "[warning] img.shop.example: old value outlives its time"
    assert message.body.splitlines() == [
        "elsewhere.example → shop-img.oss-cn-shanghai.aliyuncs.com",
        "Announced by ops: move to Shanghai",
        "Since 2026-01-01 00:00 UTC",
        "Old at the authorities: ns2",
        (
            "Still old: r1. The resolver holds on to the old value whatever the authorities say: "
            "an override, a hosts file or a hijack."
        ),
        "Window ends 2026-01-04 00:00 UTC",
        "Do: Ask the operator for the override, or compare over TCP and DNS over TLS.",
    ]
    assert message.link is not None and message.link.startswith(PAGES + "changes/01")


@every_language
def test_the_end_says_how_it_ended(language: Language) -> None:
    notice = replace(notice_of(STATES[5]), reason=Reason.OVER)
    facts, words = notice.facts, wording(language)
    assert facts.change is not None
    for state in (
        ChangeState.SETTLED,
        ChangeState.REVERTED,
        ChangeState.SUPERSEDED,
        ChangeState.CANCELLED,
        ChangeState.EXPIRED,
    ):
        ended = replace(notice, facts=replace(facts, change=replace(facts.change, state=state)))
        key = "over_arrived" if state is ChangeState.SETTLED else f"over_{state.value}"
        assert said(ended, language).title.endswith(words.notice(key))
    gone = replace(notice, facts=Facts(is_watched=False))
    assert said(gone, language).title.endswith(words.notice("over_unwatched"))
    right = replace(notice, facts=Facts(status=DomainStatus.IN_EFFECT))
    assert said(right, language).title.endswith(words.status(DomainStatus.IN_EFFECT))


@every_language
def test_to_and_fro_is_said(language: Language) -> None:
    message = said(replace(notice_of(STATES[0]), flaps=3), language)
    assert wording(language).notice("to_and_fro", flaps=3) in message.body


def digest(*notices: Notice, language: Language = Language.ENGLISH) -> Message:
    letters = tuple(Letter(notice, START, bundle="B") for notice in notices)
    return message_of(Parcel(letters, "B"), wording(language), PAGES)


def test_a_digest_names_the_gravest_first_and_counts_the_rest() -> None:
    broken = [notice_of(replace(STATES[0], domain=replace(OTHER, text=f"d{n:02}.example")))
              for n in range(30)]  # fmt: skip
    over = replace(broken[0], reason=Reason.OVER, domain=OTHER)
    message = digest(over, notice_of(STATES[5]), *broken)
    assert message.title == "[critical] 32 domains: 30 broken, 1 change under way, 1 over"
    lines = message.body.splitlines()
    assert lines[0] == "d00.example: broken (not OSS)"
    assert (len(lines), lines[-1]) == (21, "and 12 more")
    assert (message.key, message.link) == ("B", PAGES)
    assert (message.severity, message.is_over) == (NoticeSeverity.CRITICAL, False)


@every_language
def test_a_digest_of_ends_is_an_end(language: Language) -> None:
    over = replace(notice_of(STATES[0]), reason=Reason.OVER)
    message = digest(over, replace(over, domain=OTHER), language=language)
    assert message.is_over and wording(language).notice("mark_over") in message.title


def test_without_an_address_of_its_own_the_daemon_gives_no_link() -> None:
    parcel = Parcel((Letter(notice_of(STATES[0]), START),))
    assert message_of(parcel, wording(Language.ENGLISH), None).link is None


def test_a_concern_without_facts_is_told_all_the_same() -> None:
    concern = Concern(ConcernKind.BROKEN, NoticeSeverity.CRITICAL, START)
    bare = Notice("K", "oncall", DOMAIN, Reason.FIRST, concern, START)
    assert said(bare).body == "Since 2026-01-01 00:00 UTC"


@every_language
def test_the_history_says_who_was_told_of_what_and_why(language: Language) -> None:
    data: dict[str, Json] = {"channel": "oncall", "kind": "broken", "reason": "first"}
    sent = Event(EventType.NOTICE_SENT, START, DOMAIN, data=data)
    failed = Event(EventType.NOTICE_FAILED, START, DOMAIN, data={**data, "why": "refused"})
    words = wording(language)
    told, lost = (entry(seal(event, 1, GENESIS), words) for event in (sent, failed))
    what, why = words.concern(ConcernKind.BROKEN), words.notice_reason(Reason.FIRST)
    assert told.change == f"oncall: {what} ({why})"
    assert lost.change == f"oncall: {what} ({why}, refused)"
