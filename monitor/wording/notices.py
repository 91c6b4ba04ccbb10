"""Notices as messages: short lines of plain text that are read on a phone."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from monitor.core.message import Message, NoticeSeverity
from monitor.core.notices.dispatch import Parcel
from monitor.core.notices.due import TO_AND_FRO
from monitor.core.status import Remedy
from monitor.core.told import ChangeFacts, ConcernKind, Late, Notice, Reason
from monitor.core.tracking.changes import ChangeState
from monitor.core.tracking.reasons import Reason as LateReason
from monitor.wording import Wording

_MOST_NAMES = 4
_MOST_WRONG = 3
_MOST_LATE = 4
_MOST_IN_DIGEST = 20
_OF_ANSWERS = frozenset({ConcernKind.BROKEN, ConcernKind.PARTIAL})
_ENDED = frozenset({ChangeState.REVERTED, ChangeState.SUPERSEDED, ChangeState.CANCELLED})


def message_of(parcel: Parcel, words: Wording, pages: str | None) -> Message:
    """Return what a parcel says; `pages` is where the daemon's own pages are reached."""
    if len(parcel.letters) > 1:
        return _digest(parcel, words, pages)
    notice = parcel.letters[0].notice
    return Message(
        key=parcel.key,
        title=_title(notice, words),
        body="\n".join(dict.fromkeys(_lines(notice, words))),
        severity=notice.concern.severity,
        is_over=notice.is_over,
        at=notice.at,
        link=f"{pages.rstrip('/')}/{_page(notice)}" if pages else None,
    )


def _page(notice: Notice) -> str:
    change = notice.facts.change
    return f"changes/{change.id}" if change else f"domains/{notice.domain.text}"


def _title(notice: Notice, words: Wording) -> str:
    severity = words.severity(notice.concern.severity)
    match notice.reason:
        case Reason.OVER:
            mark = words.notice("mark_over")
        case Reason.REMINDER:
            mark = words.notice("mark_reminder", severity=severity)
        case Reason.WORSE:
            mark = words.notice("mark_worse", severity=severity)
        case _:
            mark = severity
    domain, what = notice.domain.display, _what(notice, words)
    return words.notice("title", mark=mark, domain=domain, what=what)


def _what(notice: Notice, words: Wording) -> str:
    """Say in a few words what is the matter, or that it no longer is."""
    if notice.is_over:
        return _end(notice, words)
    said = words.concern(notice.concern.kind)
    if notice.concern.kind in _OF_ANSWERS and notice.facts.wrong:
        said += f" ({words.verdict(notice.facts.wrong[0].verdict.kind)})"
    return said


def _end(notice: Notice, words: Wording) -> str:
    change = notice.facts.change
    if not notice.facts.is_watched:
        return words.notice("over_unwatched")
    if change is not None and change.state in _ENDED:
        return words.notice(f"over_{change.state.value}")
    if change is not None and change.state is ChangeState.EXPIRED:
        return words.notice("over_expired")
    if change is not None and change.state in {ChangeState.CONVERGED, ChangeState.SETTLED}:
        return words.notice("over_arrived")
    return words.status(notice.facts.status)


def _lines(notice: Notice, words: Wording) -> Iterator[str]:
    """Yield what changed, since when, who is affected and why, until when, and what to do."""
    facts, since = notice.facts, _moment(notice.concern.since, words)
    if notice.reason is Reason.OTHER:
        yield words.notice("another")
    yield from _about(notice, words)
    if notice.is_over:
        yield words.notice("lasted", since=since, until=_moment(notice.at, words))
    else:
        yield words.notice("since", since=since)
    if facts.is_watched and facts.asked:
        counts = {"in_effect": facts.in_effect, "answering": facts.answering}
        yield words.notice("counts", **counts, asked=facts.asked)
    if notice.flaps >= TO_AND_FRO and not notice.is_over:
        yield words.notice("to_and_fro", flaps=notice.flaps)
    if not notice.is_over:
        yield from _trouble(notice, words)
    elif facts.change is not None and facts.change.unverified:
        yield words.notice("unverified", resolvers=_names(facts.change.unverified, words))


def _about(notice: Notice, words: Wording) -> Iterator[str]:
    change, binding = notice.facts.change, notice.facts.binding
    if change is not None:
        values = {"old": words.value(change.old), "new": words.value(change.new)}
        if change.owner == notice.domain:
            yield words.notice("change", **values)
        else:
            yield words.notice("change_of", owner=change.owner.display, **values)
        if change.by or change.note:
            yield words.notice("announced", by=change.by or "-", note=change.note or "-")
    elif binding is not None:
        yield words.notice("target", target=binding.target.name)


def _trouble(notice: Notice, words: Wording) -> Iterator[str]:
    facts = notice.facts
    if notice.concern.kind in _OF_ANSWERS:
        yield from _of_wrong(notice, words)
    for fault in facts.faults:
        yield words.notice("fault", fault=words.fault(fault))
    if facts.change is not None:
        yield from _of_change(facts.change, words, notice.at)
    if notice.concern.kind is ConcernKind.FAULT:
        yield words.notice("advice_fault")
    if notice.concern.kind is ConcernKind.AUTHORITY_SPLIT:
        yield words.notice("advice", advice=words.track_advice(LateReason.AUTH_LAG))


def _of_wrong(notice: Notice, words: Wording) -> Iterator[str]:
    binding, wrong = notice.facts.binding, notice.facts.wrong
    if binding is None:
        return
    for group in wrong[:_MOST_WRONG]:
        reason = words.reason(group.verdict, binding)
        yield words.notice("wrong", resolvers=_names(group.resolvers, words), reason=reason)
    if len(wrong) > _MOST_WRONG:
        yield words.notice("more", n=len(wrong) - _MOST_WRONG)
    for group in wrong[:_MOST_WRONG]:
        advice = words.advice(group.verdict, binding, group.remedy)
        if advice and (group.remedy is not Remedy.WAIT or notice.facts.change is None):
            yield words.notice("advice", advice=advice)


def _of_change(change: ChangeFacts, words: Wording, now: datetime) -> Iterator[str]:
    if change.behind:
        yield words.notice("behind", servers=_names(change.behind, words))
    for late in change.late[:_MOST_LATE]:
        yield _late(late, words)
    if len(change.late) > _MOST_LATE:
        yield words.notice("more", n=len(change.late) - _MOST_LATE)
    if change.unverified and not change.behind:
        yield words.notice("unverified", resolvers=_names(change.unverified, words))
    instants = (
        ("eta", change.eta_at),
        ("bound", change.bound_at),
        ("deadline", change.deadline_at),
    )
    for key, at in instants:
        if at is not None and at > now:
            yield words.notice(key, at=_moment(at, words))
    for late in change.late[:_MOST_LATE]:
        if late.reason is not None:
            yield words.notice("advice", advice=words.track_advice(late.reason))


def _late(late: Late, words: Wording) -> str:
    reason = words.track_reason(late.reason) if late.reason else ""
    if late.eta_at is None:
        return words.notice("late", resolver=late.resolver, reason=reason).rstrip()
    until = _moment(late.eta_at, words)
    return words.notice("late_until", resolver=late.resolver, until=until, reason=reason).rstrip()


def _digest(parcel: Parcel, words: Wording, pages: str | None) -> Message:
    """Say of many domains what is the matter, the gravest first."""
    notices = sorted((letter.notice for letter in parcel.letters), key=_gravest_first)
    is_over = all(notice.is_over for notice in notices)
    severity = notices[0].concern.severity
    lines = [_line(notice, words) for notice in notices[:_MOST_IN_DIGEST]]
    if len(notices) > _MOST_IN_DIGEST:
        lines.append(words.notice("more", n=len(notices) - _MOST_IN_DIGEST))
    return Message(
        key=parcel.key,
        title=_digest_title(notices, words, severity, is_over=is_over),
        body="\n".join(lines),
        severity=severity,
        is_over=is_over,
        at=max(notice.at for notice in notices),
        link=f"{pages.rstrip('/')}/" if pages else None,
    )


def _gravest_first(notice: Notice) -> tuple[bool, int, int, str]:
    severity, kind = notice.concern.gravity
    return notice.is_over, -severity, -kind, notice.domain.text


def _digest_title(
    notices: Sequence[Notice], words: Wording, severity: NoticeSeverity, *, is_over: bool
) -> str:
    mark = words.notice("mark_over") if is_over else words.severity(severity)
    count = len({notice.domain for notice in notices})
    kinds = Counter(notice.concern.kind for notice in notices if not notice.is_over)
    said = [words.notice("digest_kind", n=n, what=words.concern(k)) for k, n in kinds.items()]
    over = len(notices) - kinds.total()
    if over:
        said.append(words.notice("digest_over", n=over))
    return words.notice("digest_title", mark=mark, count=count, kinds=", ".join(said))


def _line(notice: Notice, words: Wording) -> str:
    key = "digest_line_over" if notice.is_over else "digest_line"
    return words.notice(key, domain=notice.domain.display, what=_what(notice, words))


def _names(names: Sequence[str], words: Wording) -> str:
    first = ", ".join(names[:_MOST_NAMES])
    left = len(names) - _MOST_NAMES
    return words.notice("names_more", names=first, n=left) if left > 0 else first


def _moment(at: datetime, words: Wording) -> str:
    return words.notice("moment", at=f"{at:%Y-%m-%d %H:%M}")
