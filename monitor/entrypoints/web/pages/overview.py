"""What needs somebody, which changes are under way, and every domain."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.core.state import DomainState
from monitor.core.status import DomainStatus, Tally
from monitor.core.tracking.changes import Change
from monitor.core.views import Standing, stances_of
from monitor.entrypoints.web.listing import Page, Query
from monitor.entrypoints.web.pages.changes import Progress, progress_of
from monitor.entrypoints.web.pages.needs import need, urgent
from monitor.entrypoints.web.pages.rendering import Frame, address_of, rendered
from monitor.usecases.snapshot import BY_URGENCY, Snapshot, wrong_first
from monitor.wording import Wording

_MOST_URGENT = 20  # how many domains the page's head explains; the table below has them all


@dataclass(frozen=True, slots=True)
class Row:
    """A domain, and how many resolvers say what of it: wrong answers first."""

    domain: DomainState
    tally: Tally
    said: Sequence[tuple[Standing, int]]


@dataclass(frozen=True, slots=True)
class Headline:
    """The page's question answered in a sentence; `status` is what decides it."""

    status: DomainStatus
    sentence: str


def overview_page(frame: Frame, page: Page, changes: Sequence[Change] | None) -> str:
    """Return the page; `changes` are the open ones, None where they could not be read."""
    snapshot, concerned = page.snapshot, urgent(page.snapshot)
    return rendered(
        "overview.html",
        frame,
        page=page,
        headline=headline(page.counts, frame.words),
        counts=[(status, page.counts[status]) for status in BY_URGENCY if page.counts[status]],
        needs=[need(snapshot, domain, frame.words) for domain in concerned[:_MOST_URGENT]],
        more_needs=max(0, len(concerned) - _MOST_URGENT),
        changes=None if changes is None else _under_way(snapshot, changes),
        rows=[_row(snapshot, domain) for domain in page.domains],
        health=[(resolver, snapshot.is_up(resolver)) for resolver in snapshot.resolvers],
        accounts=[account for _, account in sorted(snapshot.state.accounts.items())],
        next_url=_url(page.query, page.next) if page.next else "",
        first_url=_url(page.query, "") if page.query.cursor else "",
    )


def headline(counts: Mapping[DomainStatus, int], words: Wording) -> Headline | None:
    """Answer whether everybody reaches the buckets; None where no domain is watched."""
    worst = next((status for status in BY_URGENCY if counts.get(status)), None)
    if worst is None:
        return None
    text = words.word(f"headline_{worst.value}")
    return Headline(worst, text.format(count=counts[worst], total=sum(counts.values())))


def _under_way(snapshot: Snapshot, changes: Iterable[Change]) -> list[Progress]:
    return [progress_of(snapshot, change) for change in changes]


def _row(snapshot: Snapshot, domain: DomainState) -> Row:
    servers, stances = stances_of(domain.resolvers)
    said = Counter(
        (stance.kind, stance.is_in_effect)
        for server, stance in zip(servers, stances, strict=True)
        if server in snapshot.weights
    )
    counted = [(Standing(kind, effect, None), count) for (kind, effect), count in said.items()]
    ordered = sorted(counted, key=lambda one: (wrong_first(one[0]), -one[1]))
    return Row(domain, snapshot.tally(domain), ordered)


def _url(query: Query, cursor: str) -> str:
    status = query.status.value if query.status else ""
    return address_of("/", {"status": status, "q": query.text, "cursor": cursor})
