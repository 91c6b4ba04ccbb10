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
from monitor.entrypoints.web.listing import found, page_of, query_of
from monitor.entrypoints.web.site import Site
from monitor.ports import StoreError

log = structlog.get_logger()

_HISTORY_LIMIT = 100


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
        try:
            records = await self._site.history(domain.domain, _HISTORY_LIMIT)
        except StoreError as error:
            log.error("web.history_failed", error=str(error))
            raise HTTPException(503, "The audit log cannot be read; see the log.") from error
        return _listed([record_document(record) for record in records])

    def resolvers(self, _request: Request) -> Response:
        snapshot = self._site.snapshot()
        return _listed([resolver_document(snapshot, r) for r in snapshot.resolvers])

    def inventory(self, _request: Request) -> Response:
        state = self._site.snapshot().state
        accounts = [account for _, account in sorted(state.accounts.items())]
        return _listed([account_document(account, state) for account in accounts])


def _listed(items: object, following: str | None = None) -> Response:
    return JSONResponse({"items": items, "next": following})
