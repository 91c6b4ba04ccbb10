"""Which page answers a reader's request, in which language."""

from collections.abc import Awaitable
from datetime import timedelta
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlencode

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from monitor.core.events import Record
from monitor.core.names import DomainName
from monitor.core.tracking.changes import Change
from monitor.entrypoints.web.access import Refusal
from monitor.entrypoints.web.language import COOKIE, chosen_now, language_of
from monitor.entrypoints.web.listing import Page, found, page_of, query_of
from monitor.entrypoints.web.pages import (
    Frame,
    change_page,
    changes_page,
    domain_page,
    error_page,
    overview_page,
    resolvers_page,
)
from monitor.entrypoints.web.pages.rendering import address_of
from monitor.entrypoints.web.site import Site
from monitor.ports import StoreError
from monitor.wording import Language, wording

log = structlog.get_logger()

_HISTORY_LIMIT = 50
_STORY_LIMIT = 1000
_CHANGES_AT_ONCE = 50
_CHANGES_OF_OVERVIEW = 10
_A_YEAR = timedelta(days=365)
_T = TypeVar("_T")


class Screens:
    """Pages are made in threads: a long one must not hold up questions under way."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def overview(self, request: Request) -> Response:
        query = query_of(request)
        changes: tuple[Change, ...] | None = ()
        if not query.is_narrowed and not query.cursor:
            changes = await self._changes(_CHANGES_OF_OVERVIEW, only_open=True)
        return await run_in_threadpool(self._overview, request, changes)

    def _overview(self, request: Request, changes: tuple[Change, ...] | None) -> Response:
        page: Page = page_of(self._site.snapshot(), query_of(request))
        return _html(request, overview_page(self._frame(request), page, changes))

    async def domain(self, request: Request) -> Response:
        snapshot, domain = found(self._site.snapshot(), request)
        history = await self._history(domain.domain)
        frame = self._frame(request, domain=domain.domain.text)
        page = await run_in_threadpool(domain_page, frame, snapshot, domain, history)
        return _html(request, page)

    async def changes(self, request: Request) -> Response:
        asked = request.query_params
        only_open, before = asked.get("open") == "true", asked.get("cursor") or None
        read = await self._changes(_CHANGES_AT_ONCE + 1, before=before, only_open=only_open)
        shown = None if read is None else read[:_CHANGES_AT_ONCE]
        following = shown[-1].id if read and shown and len(read) > len(shown) else None
        page = await run_in_threadpool(
            changes_page,
            self._frame(request),
            self._site.snapshot(),
            shown,
            only_open=only_open,
            following=following,
        )
        return _html(request, page)

    async def change(self, request: Request) -> Response:
        number = request.path_params["id"]
        change = await self._read(self._site.changes.change(number))
        if change is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such change.")
        story = await self._read(self._site.changes.story(number, _STORY_LIMIT))
        frame = self._frame(request, change=number)
        page = await run_in_threadpool(change_page, frame, self._site.snapshot(), change, story)
        return _html(request, page)

    async def resolvers(self, request: Request) -> Response:
        changes = await self._changes(_CHANGES_AT_ONCE, only_open=False) or ()
        frame = self._frame(request)
        page = await run_in_threadpool(resolvers_page, frame, self._site.snapshot(), changes)
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

    async def _changes(
        self, limit: int, *, before: str | None = None, only_open: bool
    ) -> tuple[Change, ...] | None:
        try:
            return await self._site.changes.changes(limit, before=before, only_open=only_open)
        except StoreError as error:
            log.error("web.changes_failed", error=str(error))
            return None

    async def _read(self, reading: Awaitable[_T]) -> _T:
        try:
            return await reading
        except StoreError as error:
            log.error("web.changes_failed", error=str(error))
            detail = "The changes cannot be read; see the log."
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, detail) from error

    def _frame(self, request: Request, **concern: str) -> Frame:
        """Return the page's frame; `concern` narrows the events that make it out of date."""
        language = language_of(request, self._site.language)
        other = Language.ENGLISH if language is Language.CHINESE else Language.CHINESE
        asked = dict(request.query_params)
        here = {key: value for key, value in asked.items() if key != "lang"}
        return Frame(
            wording(language),
            request.url.path,
            address_of(quote(request.url.path), here),
            "?" + urlencode(asked | {"lang": other.value}),
            self._site.snapshot().at,
            address_of("/api/v1/events", {"detail": "brief", "behind": "skip", **concern}),
        )


def _html(request: Request, page: str, error: HTTPException | None = None) -> Response:
    status = error.status_code if error else HTTPStatus.OK
    response = HTMLResponse(page, status, dict(error.headers or {}) if error else None)
    response.headers["vary"] = "accept-language, cookie"
    if language := chosen_now(request):
        age = int(_A_YEAR.total_seconds())
        response.set_cookie(COOKIE, language.value, max_age=age, httponly=True, samesite="lax")
    return response
