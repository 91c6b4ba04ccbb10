"""The snapshot as HTML; everything that templates show is chosen here."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from monitor.core.answers import Answer
from monitor.core.events import Record
from monitor.core.servers import Resolver
from monitor.core.state import DomainState
from monitor.core.status import DomainStatus, Tally, View
from monitor.entrypoints.web.listing import Page, Query
from monitor.usecases.snapshot import BY_URGENCY, Snapshot
from monitor.wording import STATUS_SHAPE, Language, Wording, verdict_shape, wording

_REFRESH = timedelta(seconds=10)
_MOST_URGENT = 20  # how many domains the page's head explains; the table below has them all
_A_YEAR = timedelta(days=365)

_TONES = {True: "right", False: "wrong", None: "unknown"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One server's answer in a word, with the reason for who wants to know."""

    shape: str
    word: str
    tone: str
    reason: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What several servers say alike."""

    servers: tuple[str, ...]
    cell: Cell
    view: View
    advice: str


@dataclass(frozen=True, slots=True)
class Row:
    """A domain with its answers, in the resolvers' order; None where it was not asked."""

    domain: DomainState
    tally: Tally
    cells: tuple[Cell | None, ...]
    authority: Cell | None


class Pages:
    """Renders in one language."""

    def __init__(self, language: Language) -> None:
        self._wording = wording(language)

    def overview(self, page: Page) -> Response:
        snapshot = page.snapshot
        urgent = sorted(filter(_needs_somebody, snapshot.domains), key=_urgency)
        return self._html(
            "overview.html",
            page=page,
            counts=[(status, page.counts[status]) for status in BY_URGENCY if page.counts[status]],
            urgent=[(d, self._meanings(snapshot, d)[:1]) for d in urgent[:_MOST_URGENT]],
            more_urgent=max(0, len(urgent) - _MOST_URGENT),
            rows=[self._row(snapshot, domain) for domain in page.domains],
            snapshot=snapshot,
            accounts=sorted(snapshot.state.accounts.values(), key=lambda a: a.account),
            next_url=_url(page.query, page.next) if page.next else None,
        )

    def domain(
        self, snapshot: Snapshot, domain: DomainState, history: Iterable[Record]
    ) -> Response:
        views = [*sorted(domain.authorities.items()), *_named(snapshot.views(domain))]
        return self._html(
            "domain.html",
            domain=domain,
            tally=snapshot.tally(domain),
            meanings=self._meanings(snapshot, domain),
            answers=[(server, self._cell(view, domain), view) for server, view in views],
            history=list(history),
        )

    def resolvers(self, snapshot: Snapshot) -> Response:
        return self._html(
            "resolvers.html",
            resolvers=[(r, snapshot.is_up(r), *_health(snapshot, r)) for r in snapshot.resolvers],
        )

    def not_found(self, detail: str) -> Response:
        return self._html("not_found.html", status_code=404, detail=detail)

    def _row(self, snapshot: Snapshot, domain: DomainState) -> Row:
        views = [domain.resolvers.get(resolver.name) for resolver in snapshot.resolvers]
        cells = tuple(self._cell(view, domain) if view else None for view in views)
        worst = min(domain.authorities.values(), key=_wrong_first, default=None)
        authority = self._cell(worst, domain) if worst else None
        return Row(domain, snapshot.tally(domain), cells, authority)

    def _meanings(self, snapshot: Snapshot, domain: DomainState) -> list[Meaning]:
        """Join the servers that say the same, wrong answers first."""
        if domain.binding is None:
            return []
        groups: dict[object, list[tuple[str, View]]] = {}
        for server, view in [*sorted(domain.authorities.items()), *_named(snapshot.views(domain))]:
            verdict = view.verdict
            key = (verdict.kind, verdict.rule, verdict.seen, verdict.chain.targets)
            groups.setdefault(key, []).append((server, view))
        found = [
            Meaning(
                tuple(server for server, _ in said),
                self._cell(said[0][1], domain),
                said[0][1],
                self._wording.advice(said[0][1].verdict, domain.binding),
            )
            for said in groups.values()
        ]
        return sorted(found, key=lambda meaning: _wrong_first(meaning.view))

    def _cell(self, view: View, domain: DomainState) -> Cell:
        verdict = view.verdict
        reason = self._wording.reason(verdict, domain.binding) if domain.binding else ""
        word = self._wording.verdict(verdict.kind)
        return Cell(verdict_shape(verdict), word, _TONES[verdict.is_in_effect], reason)

    def _html(self, template: str, status_code: int = 200, **context: object) -> Response:
        page = _ENVIRONMENT.get_template(template).render(
            w=self._wording,
            other=_other(self._wording),
            html_lang="zh-Hans" if self._wording.language is Language.CHINESE else "en",
            refresh=int(_REFRESH.total_seconds()),
            **context,
        )
        response = HTMLResponse(page, status_code)
        lang = self._wording.language.value
        age = int(_A_YEAR.total_seconds())
        response.set_cookie("lang", lang, max_age=age, httponly=True, samesite="lax")
        return response


def _other(current: Wording) -> str:
    is_chinese = current.language is Language.CHINESE
    other = Language.ENGLISH if is_chinese else Language.CHINESE
    return str(other.value)


def _needs_somebody(domain: DomainState) -> bool:
    calm = {DomainStatus.IN_EFFECT, DomainStatus.PAUSED}
    return domain.status.value not in calm or bool(domain.faults)


def _urgency(domain: DomainState) -> tuple[int, str]:
    return BY_URGENCY.index(domain.status.value), domain.domain.text


def _wrong_first(view: View) -> int:
    return {False: 0, None: 1, True: 2}[view.verdict.is_in_effect]


def _named(views: Iterable[tuple[Resolver, View]]) -> Iterator[tuple[str, View]]:
    return ((resolver.name, view) for resolver, view in views)


def _health(snapshot: Snapshot, resolver: Resolver) -> tuple[float | None, float | None]:
    """Return the share of its last replies that were answers, and their median milliseconds."""
    views = [d.resolvers[resolver.name] for d in snapshot.domains if resolver.name in d.resolvers]
    answers = [view for view in views if view.verdict.kind.is_answer]
    if not views:
        return None, None
    times = [view.reply.rtt.total_seconds() * 1000 for view in answers]
    return len(answers) / len(views), median(times) if times else None


def _url(query: Query, cursor: str) -> str:
    wanted = {"status": query.status.value if query.status else "", "q": query.text}
    kept = {key: value for key, value in wanted.items() if value}
    return "/?" + urlencode(kept | {"limit": query.limit, "cursor": cursor})


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _clock(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _said(data: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {value}" for key, value in data.items() if key != "verdicts")


_ENVIRONMENT = Environment(
    loader=PackageLoader("monitor.entrypoints.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals.update(status_shape=STATUS_SHAPE)
_ENVIRONMENT.filters.update(time=_time, clock=_clock, said=_said)
_ENVIRONMENT.tests["answer"] = lambda outcome: isinstance(outcome, Answer)
