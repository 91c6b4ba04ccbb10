"""The snapshot as HTML; everything that templates show is chosen here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from monitor.core.answers import Answer
from monitor.core.events import Record
from monitor.core.servers import Resolver, Transport
from monitor.core.state import DomainState
from monitor.core.status import Tally, View, tally
from monitor.entrypoints.web.chains import Drawn, drawn
from monitor.entrypoints.web.listing import Page, Query
from monitor.entrypoints.web.moments import age, clock, rfc3339
from monitor.entrypoints.web.needs import faults_of, need, urgent
from monitor.usecases.snapshot import BY_URGENCY, Snapshot
from monitor.wording import CHANGE_SHAPE, STATUS_SHAPE, Wording, verdict_shape
from monitor.wording.history import entry

_REFRESH_SECONDS = 10
_MOST_URGENT = 20  # how many domains the page's head explains; the table below has them all


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page has around its matter: language, place, and the same page in the other."""

    words: Wording
    path: str
    switch: str
    at: datetime

    def ago(self, moment: datetime) -> str:
        return age(self.at - moment, self.words)


@dataclass(frozen=True, slots=True)
class Row:
    """A domain with its answers, in the resolvers' order; None where it was not asked."""

    domain: DomainState
    tally: Tally
    views: tuple[tuple[Resolver, View | None], ...]


@dataclass(frozen=True, slots=True)
class Health:
    """How a resolver answers: `share` and `rtt` (in milliseconds) are of its last replies."""

    resolver: Resolver
    is_up: bool | None
    share: str
    rtt: float | None

    @property
    def address(self) -> str:
        """Where it is asked: a URL, or an address with its port."""
        host, port = self.resolver.address, self.resolver.port
        if self.resolver.transport is Transport.DOH:
            return host
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def overview_page(frame: Frame, page: Page) -> str:
    """What needs somebody now, and every domain with what each resolver says of it."""
    snapshot, concerned = page.snapshot, urgent(page.snapshot)
    return _rendered(
        "overview.html",
        frame,
        page=page,
        counts=[(status, page.counts[status]) for status in BY_URGENCY if page.counts[status]],
        needs=[need(snapshot, domain, frame.words) for domain in concerned[:_MOST_URGENT]],
        more_needs=max(0, len(concerned) - _MOST_URGENT),
        rows=[_row(snapshot, domain) for domain in page.domains],
        health=[(resolver, snapshot.is_up(resolver)) for resolver in snapshot.resolvers],
        accounts=[account for _, account in sorted(snapshot.state.accounts.items())],
        next_url=_url(page.query, page.next) if page.next else "",
        first_url=_url(page.query, "") if page.query.cursor else "",
    )


def domain_page(
    frame: Frame, snapshot: Snapshot, domain: DomainState, history: Iterable[Record] | None
) -> str:
    """Everything that is known of one domain; `history` None means that it could not be read."""
    change = snapshot.change(domain)
    return _rendered(
        "domain.html",
        frame,
        domain=domain,
        change=change,
        change_progress=change.progress(snapshot.at, snapshot.weights) if change else None,
        change_instants=change.instants() if change else {},
        fault_sentences=faults_of(domain, frame.words),
        of_resolvers=snapshot.tally(domain),
        of_authorities=tally(domain.authorities),
        answers=[
            (one, _advice(snapshot, domain, one, frame.words)) for one in drawn(snapshot, domain)
        ],
        views=[(resolver.name, view) for resolver, view in snapshot.views(domain)],
        authorities=sorted(domain.authorities.items()),
        history=None if history is None else [entry(record, frame.words) for record in history],
    )


def resolvers_page(frame: Frame, snapshot: Snapshot) -> str:
    """Whom we ask, and how well they answer."""
    health = [_health(snapshot, resolver) for resolver in snapshot.resolvers]
    return _rendered("resolvers.html", frame, health=health)


def error_page(frame: Frame, title: str, detail: str) -> str:
    return _rendered("error.html", frame, title=title, detail=detail)


def _advice(snapshot: Snapshot, domain: DomainState, said: Drawn, words: Wording) -> str:
    if domain.binding is None:
        return ""
    return words.advice(said.verdict, domain.binding, snapshot.remedy(domain, said.oldest))


def _row(snapshot: Snapshot, domain: DomainState) -> Row:
    views = ((resolver, domain.resolvers.get(resolver.name)) for resolver in snapshot.resolvers)
    return Row(domain, snapshot.tally(domain), tuple(views))


def _health(snapshot: Snapshot, resolver: Resolver) -> Health:
    views = [d.resolvers[resolver.name] for d in snapshot.domains if resolver.name in d.resolvers]
    answers = [view for view in views if view.verdict.kind.is_answer]
    times = [view.reply.rtt.total_seconds() * 1000 for view in answers]
    share = f"{len(answers)} / {len(views)}" if views else ""
    return Health(resolver, snapshot.is_up(resolver), share, median(times) if times else None)


def _url(query: Query, cursor: str) -> str:
    wanted = {"status": query.status.value if query.status else "", "q": query.text}
    wanted["cursor"] = cursor
    kept = {key: value for key, value in wanted.items() if value}
    return "/?" + urlencode(kept)


def _rendered(template: str, frame: Frame, **matter: object) -> str:
    return _ENVIRONMENT.get_template(template).render(frame=frame, words=frame.words, **matter)


def _visible(value: object) -> object:
    """Show control and direction characters as escapes, so that a text cannot pose as another.

    Names are no texts, but become some.
    """
    if isinstance(value, Markup) or (text := str(value)).isprintable():
        return value
    return "".join(_escaped(text))


def _escaped(text: str) -> Iterator[str]:
    for character in text:
        yield character if character.isprintable() else f"\\u{{{ord(character):x}}}"


def _answer_of(view: View) -> Answer | None:
    return view.reply.outcome if isinstance(view.reply.outcome, Answer) else None


_ENVIRONMENT = Environment(
    loader=PackageLoader("monitor.entrypoints.web"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_visible,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals.update(
    refresh_seconds=_REFRESH_SECONDS,
    status_shape=STATUS_SHAPE,
    change_shape=CHANGE_SHAPE,
    verdict_shape=verdict_shape,
    answer_of=_answer_of,
)
_ENVIRONMENT.filters.update(rfc3339=rfc3339, clock=clock)
