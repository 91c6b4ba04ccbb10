"""What is known, as JSON for scripts."""

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from monitor.entrypoints.documents import (
    account_document,
    domain_document,
    record_document,
    resolver_document,
)
from monitor.entrypoints.web.listing import DEFAULT_LIMIT, found, limit_of, page_of, query_of
from monitor.entrypoints.web.site import Site
from monitor.ports import StoreError

log = structlog.get_logger()

_LONGEST_NUMBER = 18  # digits, so that any database can compare it


class Api:
    """Plain functions run in a thread: a long list must not hold up questions under way."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def domains(self, request: Request) -> Response:
        page = page_of(self._site.snapshot(), query_of(request))
        items = [domain_document(page.snapshot, domain) for domain in page.domains]
        return _listed(items, page.next)

    def domain(self, request: Request) -> Response:
        return JSONResponse(domain_document(*found(self._site.snapshot(), request)))

    async def history(self, request: Request) -> Response:
        _, domain = found(self._site.snapshot(), request)
        limit = limit_of(request.query_params.get("limit") or str(DEFAULT_LIMIT))
        before = _number(request.query_params.get("cursor"))
        try:
            records = await self._site.history(domain.domain, limit + 1, before)
        except StoreError as error:
            log.error("web.history_failed", error=str(error))
            raise HTTPException(503, "The audit log cannot be read; see the log.") from error
        shown = records[:limit]
        following = str(shown[-1].seq) if len(records) > limit else None
        return _listed([record_document(record) for record in shown], following)

    def resolvers(self, _request: Request) -> Response:
        snapshot = self._site.snapshot()
        return _listed([resolver_document(snapshot, r) for r in snapshot.resolvers])

    def inventory(self, _request: Request) -> Response:
        state = self._site.snapshot().state
        accounts = [account for _, account in sorted(state.accounts.items())]
        return _listed([account_document(account, state) for account in accounts])


def _number(written: str | None) -> int | None:
    if not written:
        return None
    is_number = written.isascii() and written.isdigit() and len(written) <= _LONGEST_NUMBER
    if not is_number:
        raise HTTPException(400, "cursor: the number that `next` gave")
    return int(written)


def _listed(items: object, following: str | None = None) -> Response:
    return JSONResponse({"items": items, "next": following})
