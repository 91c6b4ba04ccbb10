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

from monitor.entrypoints.web.api import Api
from monitor.entrypoints.web.changes_api import ChangesApi
from monitor.entrypoints.web.events import Events, Patience
from monitor.entrypoints.web.headers import SECURITY_HEADERS, SecurityHeaders
from monitor.entrypoints.web.operations import Operations
from monitor.entrypoints.web.problems import problem
from monitor.entrypoints.web.screens import Screens
from monitor.entrypoints.web.site import Site
from monitor.ports import StoreError

__all__ = ["Site", "create_app"]

log = structlog.get_logger()

_FOR_SCRIPTS = ("/api/", "/-/", "/metrics")


def create_app(site: Site) -> Starlette:
    """Return the application; it holds no state of its own."""
    screens, api, operations = Screens(site), Api(site), Operations(site)
    changes, events = ChangesApi(site), Events(site.feed, Patience())
    static = resources.files("monitor.entrypoints.web") / "static"

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if request.url.path.startswith(_FOR_SCRIPTS):
            return problem(error.status_code, error.detail, error.headers)
        return screens.refused(request, error)

    async def unreadable(request: Request, error: Exception) -> Response:
        log.error("web.store_failed", path=request.url.path, error=str(error))
        detail = "The database cannot be read now; the log says why."
        return await refused(request, HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, detail))

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
            Route("/api/v1/domains", api.domains),
            Route("/api/v1/domains/{domain}", api.domain),
            Route("/api/v1/domains/{domain}/history", api.history),
            Route("/api/v1/changes", changes.changes),
            Route("/api/v1/changes", changes.announce, methods=["POST"]),
            Route("/api/v1/changes/{id}", changes.change),
            Route("/api/v1/resolvers", api.resolvers),
            Route("/api/v1/inventory", api.inventory),
            Route("/api/v1/events", events.events),
            Mount("/static", StaticFiles(directory=str(static))),
        ],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={
            HTTPException: refused,
            StoreError: unreadable,
            Exception: _on_bug,
        },
    )
    app.router.redirect_slashes = False  # it would send readers to whatever Host they named
    return app


async def _on_bug(request: Request, error: Exception) -> Response:
    """Answer what nobody foresaw; what it was stays in the log."""
    log.error("web.request_failed", path=request.url.path, exc_info=error)
    response = problem(500, "The monitor failed to answer; its log says why.")
    response.headers.update(SECURITY_HEADERS)  # this answer is made outside all middleware
    return response
