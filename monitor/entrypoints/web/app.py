"""Routes: which address shows what, and in which form an error is told."""

from http import HTTPStatus
from importlib import resources

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from monitor.entrypoints.web.access import Refusal
from monitor.entrypoints.web.api import Api
from monitor.entrypoints.web.changes_api import ChangesApi
from monitor.entrypoints.web.events import Events, Patience
from monitor.entrypoints.web.gate import Gate
from monitor.entrypoints.web.headers import SECURITY_HEADERS, SecurityHeaders
from monitor.entrypoints.web.openapi import Description
from monitor.entrypoints.web.operation import Endpoint, routes_of
from monitor.entrypoints.web.operations import Operations
from monitor.entrypoints.web.problems import problem
from monitor.entrypoints.web.reports import ReportsApi
from monitor.entrypoints.web.screens import Screens
from monitor.entrypoints.web.site import Site
from monitor.ports import StoreError

__all__ = ["Site", "create_app"]

log = structlog.get_logger()

_FOR_SCRIPTS = ("/api/", "/-/", "/metrics/")


def create_app(site: Site) -> Starlette:
    """Return the application; it holds no state of its own."""
    screens, operations = Screens(site), Operations(site)
    static = resources.files("monitor.entrypoints.web") / "static"

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if _is_for_scripts(request):
            return problem(error.status_code, error.detail, error.headers)
        return screens.refused(request, error)

    async def unreadable(request: Request, error: Exception) -> Response:
        log.error("web.store_failed", path=request.url.path, error=str(error))
        detail = "The database cannot be read now; the log says why."
        return await refused(request, HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, detail))

    def denied(request: Request, refusal: Refusal) -> Response:
        if _is_for_scripts(request):
            response = problem(refusal.status, refusal.detail)
        else:
            response = screens.denied(request, refusal)
        for name, value in refusal.headers:
            response.headers.append(name, value)
        return response

    app = Starlette(
        routes=[
            Route("/", screens.overview),
            Route("/domains/{domain}", screens.domain),
            Route("/changes", screens.changes),
            Route("/changes/{id}", screens.change),
            Route("/resolvers", screens.resolvers),
            Route("/metrics", operations.metrics),
            Route("/-/healthy", operations.healthy),
            Route("/-/ready", operations.ready),
            Route("/-/reload", operations.reload, methods=["POST"]),
            *routes_of(endpoints_of(site)),
            Mount("/static", StaticFiles(directory=str(static))),
        ],
        middleware=[
            Middleware(SecurityHeaders, configured=lambda: site.access.rules().headers),
            Middleware(Gate, access=site.access, refused=denied),
        ],
        exception_handlers={
            HTTPException: refused,
            StoreError: unreadable,
            Exception: _on_bug,
        },
    )
    app.router.redirect_slashes = False  # it would send readers to whatever Host they named
    return app


def endpoints_of(site: Site) -> tuple[Endpoint, ...]:
    """Return all that the API offers, its own description included."""
    families = (
        Api(site),
        ChangesApi(site),
        ReportsApi(site),
        Events(site.feed, Patience()),
    )
    offered = tuple(endpoint for family in families for endpoint in family.endpoints())
    return (*offered, Description(offered).endpoint())


def _is_for_scripts(request: Request) -> bool:
    return f"{request.url.path}/".startswith(_FOR_SCRIPTS)


async def _on_bug(request: Request, error: Exception) -> Response:
    """Answer what nobody foresaw; what it was stays in the log."""
    log.error("web.request_failed", path=request.url.path, exc_info=error)
    response = problem(500, "The monitor failed to answer; its log says why.")
    response.headers.update(SECURITY_HEADERS)  # this answer is made outside all middleware
    return response
