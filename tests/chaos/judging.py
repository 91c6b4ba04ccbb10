"""Judge a daemon by what it reported, whom it paged, and what its log holds afterwards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from monitor.core.events import EventType, Record
from tests.chaos.fault import Outcome

# Seconds within which nobody can know that what was mended has broken again.
_NOTICED_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Report:
    """One record of the audit log as somebody was told of it, `by` what; not all tell its hash."""

    seq: int
    type: str
    by: str
    hash: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice as the pager took it; `at` is in seconds of the scene's own clock."""

    key: str
    title: str
    at: float


@dataclass(frozen=True, slots=True)
class Trouble:
    """A domain that was truly broken, by the scene's own clock; `ended` is None while it lasts."""

    domain: str
    began: float
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """What people and programs saw of a daemon from outside; pages count from `since` on."""

    reports: tuple[Report, ...]
    deliveries: tuple[Delivery, ...]
    troubles: tuple[Trouble, ...]
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Notice:
    """What the log says of a notice that was sent."""

    domain: str
    reason: str
    key: str


@dataclass(slots=True)
class Paging:
    """What the pages amount to, beside the troubles that there were."""

    paged: int = 0
    truth: int = 0
    false_pages: list[str] = field(default_factory=list)
    open: set[str] = field(default_factory=set)  # the domains of which the pager knows trouble


def judge(
    observed: Observed,
    log: Sequence[Record],
    complaints: Sequence[str],
    normal_after: float | None,
    remark: str,
) -> Outcome:
    """Return the outcome; `complaints` are of who looked through the log for tampering."""
    lost = [*_lost_reports(observed.reports, log), *_lost_notices(observed.deliveries, log)]
    lost += [f"the log is broken: {words}" for words in complaints]
    paging = paging_of(observed, log)
    return Outcome(
        tuple(lost),
        paging.paged,
        paging.truth,
        normal_after,
        remark,
        tuple(paging.false_pages),
    )


def paging_of(observed: Observed, log: Sequence[Record]) -> Paging:
    """Go through the pages in the order in which they arrived."""
    paging = Paging()
    untold = list(observed.troubles)
    for delivery, notice in _arrivals(observed.deliveries, log):
        told = _borne_out(notice, delivery.at, untold)
        is_known = notice.domain in paging.open
        match notice.reason:
            case "first" if told is not None:
                untold.remove(told)
                paging.paged += delivery.at >= observed.since
                paging.truth += delivery.at >= observed.since
            case "worse" | "other" if is_known:
                pass  # more about a trouble that is known
            case "over" if not _lasts(notice.domain, delivery.at, observed.troubles):
                pass
            case _:
                paging.paged += notice.reason != "over" and delivery.at >= observed.since
                paging.false_pages.append(f"{delivery.title} ({notice.reason})")
        (set.discard if notice.reason == "over" else set.add)(paging.open, notice.domain)
    paging.truth += len(untold)
    return paging


def notices_of(log: Sequence[Record]) -> Iterator[Notice]:
    """Yield what the log says was sent; a digest is several of one key."""
    for record in log:
        event = record.event
        if event.type is EventType.NOTICE_SENT and event.domain is not None:
            yield Notice(event.domain.text, str(event.data["reason"]), str(event.data["key"]))


def _lost_reports(reports: Sequence[Report], log: Sequence[Record]) -> Iterator[str]:
    records = {record.seq: record for record in log}
    for report in reports:
        kept = records.get(report.seq)
        what = f"{report.type} (record {report.seq}), as {report.by} told it,"
        if kept is None:
            yield f"{what} is not in the log"
        elif kept.event.type.value != report.type or report.hash not in {None, kept.hash}:
            yield f"{what} is another one in the log: {kept.event.type.value}"


def _lost_notices(deliveries: Sequence[Delivery], log: Sequence[Record]) -> Iterator[str]:
    sent = {notice.key: notice for notice in notices_of(log)}
    received = {delivery.key: delivery for delivery in deliveries}
    for key, delivery in received.items():
        if key not in sent:
            yield f"the notice {delivery.title!r} was delivered, and the log does not know it"
    for key, notice in sent.items():
        if key not in received:
            yield f"the log says that a notice on {notice.domain} was sent, and nobody received it"


def _arrivals(
    deliveries: Sequence[Delivery], log: Sequence[Record]
) -> Iterator[tuple[Delivery, Notice]]:
    """Yield each notice when it arrived first: who takes notices drops what he has seen."""
    seen = set[str]()
    for delivery in sorted(deliveries, key=lambda it: it.at):
        if delivery.key not in seen:
            seen.add(delivery.key)
            for notice in notices_of(log):
                if notice.key == delivery.key:
                    yield delivery, notice


def _borne_out(notice: Notice, at: float, untold: Sequence[Trouble]) -> Trouble | None:
    began = (one for one in untold if one.domain == notice.domain and one.began <= at)
    return next(began, None)


def _lasts(domain: str, at: float, troubles: Sequence[Trouble]) -> bool:
    return any(
        one.domain == domain
        and one.began <= at - _NOTICED_WITHIN
        and (one.ended is None or one.ended > at)
        for one in troubles
    )
