"""Routes: which address shows what, and who may change anything."""

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from importlib import resources
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from monitor.core.events import Record
from monitor.core.names import DomainName, InvalidName
from monitor.core.state import DomainState
from monitor.entrypoints.documents import account_document, domain_document, resolver_document
from monitor.entrypoints.web.exposition import exposed
from monitor.entrypoints.web.headers import SecurityHeaders
from monitor.entrypoints.web.listing import Query, page_of
from monitor.entrypoints.web.pages import Pages
from monitor.entrypoints.web.problems import on_bug, problem, refusal
from monitor.ports import StoreError
from monitor.usecases.snapshot import Snapshot
from monitor.wording import Language

_HISTORY_LIMIT = 50
_LANGUAGE_COOKIE = "lang"


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages need of the daemon.

    `reload` returns the faults that kept it from succeeding. Without `may_write` nothing can be
    changed. `language` None means: as the browser asks.
    """

    snapshot: Callable[[], Snapshot]
    history: Callable[[DomainName, int], Awaitable[tuple[Record, ...]]]
    registry: CollectorRegistry
    is_ready: Callable[[], bool]
    reload: Callable[[], Awaitable[tuple[str, ...]]]
    may_write: bool
    language: Language | None = None


def create_app(site: Site) -> Starlette:
    """Return the application; it holds no state of its own."""
    views = _Views(site)
    static = resources.files("monitor.entrypoints.web") / "static"
    return Starlette(
        routes=[
            Route("/", views.overview),
            Route("/domains/{domain}", views.domain),
            Route("/resolvers", views.resolvers),
            Route("/metrics", views.metrics),
            Route("/-/healthy", views.healthy),
            Route("/-/ready", views.ready),
            Route("/-/reload", views.reload, methods=["POST"]),
            Route("/api/v1/domains", views.api_domains),
            Route("/api/v1/domains/{domain}", views.api_domain),
            Route("/api/v1/resolvers", views.api_resolvers),
            Route("/api/v1/inventory", views.api_inventory),
            Mount("/static", StaticFiles(directory=str(static))),
        ],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={HTTPException: views.on_refusal, Exception: on_bug},
    )


class _Views:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def overview(self, request: Request) -> Response:
        page = page_of(self._site.snapshot(), _query(request))
        return self._pages(request).overview(page)

    async def domain(self, request: Request) -> Response:
        snapshot, domain = self._found(request)
        try:
            history = await self._site.history(domain.domain, _HISTORY_LIMIT)
        except StoreError:
            history = ()
        return self._pages(request).domain(snapshot, domain, history)

    async def resolvers(self, request: Request) -> Response:
        return self._pages(request).resolvers(self._site.snapshot())

    async def metrics(self, request: Request) -> Response:
        return await exposed(self._site.registry, request)

    async def healthy(self, _request: Request) -> Response:
        return PlainTextResponse("healthy\n")

    async def ready(self, _request: Request) -> Response:
        if self._site.is_ready():
            return PlainTextResponse("ready\n")
        return problem(503, "the first round is not done yet")

    async def reload(self, request: Request) -> Response:
        if not self._site.may_write:
            return problem(403, "writing is allowed on a loopback listener only")
        if not _is_from_here(request):
            return problem(403, "a request that another site caused changes nothing here")
        faults = await self._site.reload()
        if faults:
            return problem(422, "the configuration has faults; nothing was changed", faults=faults)
        return PlainTextResponse("reloaded\n")

    async def api_domains(self, request: Request) -> Response:
        page = page_of(self._site.snapshot(), _query(request))
        items = [domain_document(page.snapshot, domain) for domain in page.domains]
        return JSONResponse({"items": items, "next": page.next})

    async def api_domain(self, request: Request) -> Response:
        return JSONResponse(domain_document(*self._found(request)))

    async def api_resolvers(self, _request: Request) -> Response:
        snapshot = self._site.snapshot()
        items = [resolver_document(snapshot, resolver) for resolver in snapshot.resolvers]
        return JSONResponse({"items": items, "next": None})

    async def api_inventory(self, _request: Request) -> Response:
        accounts = self._site.snapshot().state.accounts
        items = [account_document(accounts[name]) for name in sorted(accounts)]
        return JSONResponse({"items": items, "next": None})

    async def on_refusal(self, request: Request, error: Exception) -> Response:
        """Answer people with a page, scripts with a problem document."""
        assert isinstance(error, HTTPException)
        is_page = not request.url.path.startswith(("/api/", "/-/", "/static/"))
        if error.status_code == HTTPStatus.NOT_FOUND and is_page:
            return self._pages(request).not_found(error.detail)
        return refusal(error)

    def _found(self, request: Request) -> tuple[Snapshot, DomainState]:
        snapshot = self._site.snapshot()
        try:
            domain = snapshot.domain(DomainName.parse(request.path_params["domain"]))
        except InvalidName as error:
            raise HTTPException(404, str(error)) from error
        if domain is None:
            raise HTTPException(404, "this domain is not watched")
        return snapshot, domain

    def _pages(self, request: Request) -> Pages:
        return Pages(_language(request, self._site.language))


def _query(request: Request) -> Query:
    try:
        return Query.of(request.query_params)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error


def _language(request: Request, fixed: Language | None) -> Language:
    wanted = request.query_params.get("lang") or request.cookies.get(_LANGUAGE_COOKIE)
    if wanted:
        return Language.of(wanted)
    return fixed or Language.of(request.headers.get("accept-language", ""))


def _is_from_here(request: Request) -> bool:
    """True unless a browser sends it for another site, or under a name that is not ours.

    The second keeps out pages whose own name was made to resolve to this address.
    """
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return False
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return False
    return _is_local(request.url.hostname or "")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
