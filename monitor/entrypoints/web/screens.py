"""Which page answers a reader's request, in which language."""

from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlencode

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from monitor.core.events import Record
from monitor.core.names import DomainName
from monitor.entrypoints.web.access import Refusal
from monitor.entrypoints.web.language import COOKIE, chosen_now, language_of
from monitor.entrypoints.web.listing import found, page_of, query_of
from monitor.entrypoints.web.pages import (
    Frame,
    domain_page,
    error_page,
    overview_page,
    resolvers_page,
)
from monitor.entrypoints.web.site import Site
from monitor.ports import StoreError
from monitor.wording import Language, wording

log = structlog.get_logger()

_HISTORY_LIMIT = 50
_A_YEAR = timedelta(days=365)


class Screens:
    """Plain functions run in a thread: a long page must not hold up questions under way."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def overview(self, request: Request) -> Response:
        page = page_of(self._site.snapshot(), query_of(request))
        return _html(request, overview_page(self._frame(request), page))

    async def domain(self, request: Request) -> Response:
        snapshot, domain = found(self._site.snapshot(), request)
        history = await self._history(domain.domain)
        return _html(request, domain_page(self._frame(request), snapshot, domain, history))

    def resolvers(self, request: Request) -> Response:
        page = resolvers_page(self._frame(request), self._site.snapshot())
        return _html(request, page)

    def refused(self, request: Request, error: HTTPException) -> Response:
        """Tell a reader why there is no such page."""
        frame = self._frame(request)
        is_missing = error.status_code == HTTPStatus.NOT_FOUND
        title = frame.words.word("not_found") if is_missing else str(error.status_code)
        # The router's own 404 knows no more than its phrase, which the title says already.
        phrase = HTTPStatus(error.status_code).phrase
        detail = frame.words.word("no_such_page") if error.detail == phrase else error.detail
        return _html(request, error_page(frame, title, detail), error)

    def denied(self, request: Request, refusal: Refusal) -> Response:
        """Tell a reader why they are not let in."""
        frame = self._frame(request)
        title = frame.words.word(f"denied_{refusal.status}")
        detail = frame.words.word(f"denied_{refusal.reason.value}")
        page = error_page(frame, title, detail)
        return _html(request, page, HTTPException(refusal.status))

    async def _history(self, domain: DomainName) -> tuple[Record, ...] | None:
        try:
            return await self._site.history(domain, _HISTORY_LIMIT)
        except StoreError as error:
            log.error("web.history_failed", error=str(error))
            return None

    def _frame(self, request: Request) -> Frame:
        language = language_of(request, self._site.language)
        other = Language.ENGLISH if language is Language.CHINESE else Language.CHINESE
        switch = "?" + urlencode(dict(request.query_params) | {"lang": other.value})
        return Frame(wording(language), request.url.path, switch, self._site.snapshot().at)


def _html(request: Request, page: str, error: HTTPException | None = None) -> Response:
    status = error.status_code if error else HTTPStatus.OK
    response = HTMLResponse(page, status, dict(error.headers or {}) if error else None)
    response.headers["vary"] = "accept-language, cookie"
    if language := chosen_now(request):
        age = int(_A_YEAR.total_seconds())
        response.set_cookie(COOKIE, language.value, max_age=age, httponly=True, samesite="lax")
    return response
