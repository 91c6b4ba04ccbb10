"""What machines ask of the daemon itself: metrics, is it alive, is it ready, reload."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from monitor.entrypoints.web.exposition import exposed
from monitor.entrypoints.web.problems import problem
from monitor.entrypoints.web.site import Site


class Operations:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def metrics(self, request: Request) -> Response:
        return await exposed(self._site.registry, self._site.state_metrics, request)

    async def healthy(self, _request: Request) -> Response:
        return PlainTextResponse("healthy\n")

    async def ready(self, _request: Request) -> Response:
        if not self._site.is_ready():
            return problem(503, "The first round is not done yet.")
        if not self._site.is_keeping():
            return problem(503, "The database has kept nothing for a while; see the log.")
        return PlainTextResponse("ready\n")

    async def reload(self, _request: Request) -> Response:
        faults = await self._site.reload()
        if faults:
            detail = "The configuration has faults; nothing was changed."
            return problem(422, detail, faults=faults)
        return PlainTextResponse("reloaded\n")
