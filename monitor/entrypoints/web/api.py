"""What is known now, as JSON for scripts."""

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from monitor.entrypoints.documents import (
    account_document,
    domain_document,
    record_document,
    resolver_document,
)
from monitor.entrypoints.shapes.domains import DomainDocument
from monitor.entrypoints.shapes.lists import (
    AccountListDocument,
    DomainListDocument,
    RecordListDocument,
    ResolverListDocument,
)
from monitor.entrypoints.web import parameters as given
from monitor.entrypoints.web.bindings import parts_of
from monitor.entrypoints.web.listing import (
    found,
    limit_asked,
    page_of,
    query_of,
    seq_asked,
    text_of,
)
from monitor.entrypoints.web.operation import Endpoint, Operation
from monitor.entrypoints.web.replies import json_reply
from monitor.entrypoints.web.site import Site
from monitor.ports import StoreError

log = structlog.get_logger()

_NOT_WATCHED = {404: "The domain is not watched."}
_UNREADABLE = {503: "The audit log cannot be read."}

DOMAINS = Operation(
    "listDomains",
    "/domains",
    "The domains that are watched, with every answer",
    DomainListDocument,
    (
        *(given.STATUS, given.FAULT, given.ACCOUNT, given.TEXT),
        *(given.SORT, given.ORDER, given.LIMIT, given.CURSOR),
    ),
)
DOMAIN = Operation(
    "getDomain",
    "/domains/{domain}",
    "One domain",
    DomainDocument,
    (given.DOMAIN,),
    _NOT_WATCHED,
)
HISTORY = Operation(
    "listDomainHistory",
    "/domains/{domain}/history",
    "What the audit log holds of one domain, newest first",
    RecordListDocument,
    (given.DOMAIN, given.LIMIT, given.SEQ_CURSOR),
    {**_NOT_WATCHED, **_UNREADABLE},
)
RESOLVERS = Operation(
    "listResolvers",
    "/resolvers",
    "The resolvers that are asked, by name",
    ResolverListDocument,
    (given.LIMIT, given.CURSOR),
)
INVENTORY = Operation(
    "listInventory",
    "/inventory",
    "What accounts and the configuration bind",
    AccountListDocument,
    (given.ACCOUNT, given.LIMIT, given.CURSOR),
    description=(
        "The limit is that of bindings. An account whose bindings go on is on the next page too."
    ),
)


class Api:
    """Documents are made in threads: a long list must not hold up questions under way."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def endpoints(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint.in_thread(DOMAINS, self.domains),
            Endpoint.in_thread(DOMAIN, self.domain),
            Endpoint(HISTORY, self.history),
            Endpoint.in_thread(RESOLVERS, self.resolvers),
            Endpoint.in_thread(INVENTORY, self.inventory),
        )

    def domains(self, request: Request) -> Response:
        page = page_of(self._site.snapshot(), query_of(request))
        items = tuple(domain_document(page.snapshot, domain) for domain in page.domains)
        document: DomainListDocument = {"items": items, "next": page.next}
        return json_reply(request, document)

    def domain(self, request: Request) -> Response:
        return json_reply(request, domain_document(*found(self._site.snapshot(), request)))

    async def history(self, request: Request) -> Response:
        _, domain = found(self._site.snapshot(), request)
        limit, before = limit_asked(request), seq_asked(request)
        try:
            records = await self._site.history(domain.domain, limit + 1, before=before)
        except StoreError as error:
            log.error("web.history_failed", error=str(error))
            raise HTTPException(503, "The audit log cannot be read; see the log.") from error
        shown = records[:limit]
        document: RecordListDocument = {
            "items": tuple(map(record_document, shown)),
            "next": str(shown[-1].seq) if len(records) > limit else None,
        }
        return await run_in_threadpool(json_reply, request, document)

    def resolvers(self, request: Request) -> Response:
        snapshot, limit = self._site.snapshot(), limit_asked(request)
        begin = request.query_params.get("cursor", "")
        by_name = sorted(snapshot.resolvers, key=lambda resolver: resolver.name)
        rest = [resolver for resolver in by_name if resolver.name > begin]
        document: ResolverListDocument = {
            "items": tuple(resolver_document(snapshot, one) for one in rest[:limit]),
            "next": rest[limit - 1].name if len(rest) > limit else None,
        }
        return json_reply(request, document)

    def inventory(self, request: Request) -> Response:
        state = self._site.snapshot().state
        only = text_of("account", request.query_params.get("account", ""))
        accounts = [one for name, one in state.accounts.items() if only in {"", name}]
        cursor = request.query_params.get("cursor", "")
        parts, following = parts_of(accounts, cursor, limit_asked(request))
        items = tuple(account_document(part.account, state, part.bindings) for part in parts)
        document: AccountListDocument = {"items": items, "next": following}
        return json_reply(request, document)
