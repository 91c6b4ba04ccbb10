"""uvicorn inside the running loop: no signals, no lines of its own."""

import asyncio
import socket

import uvicorn
from starlette.types import ASGIApp

_SECONDS_TO_DRAIN = 2


class WebServer:
    """Serves an application on one address while it is started."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._host = host
        self._port = port
        config = uvicorn.Config(
            app,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=_SECONDS_TO_DRAIN,
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        self._socket: socket.socket | None = None
        self._ticking: asyncio.Future[None] | None = None

    async def start(self) -> tuple[str, int]:
        """Listen, and return on which host and port. Raises OSError, which names the address."""
        self._socket = _bound(self._host, self._port)
        host, port = self._socket.getsockname()[:2]
        # Not `serve`: it would take over the signals of the process, which belong to the daemon.
        await self._server.startup(sockets=[self._socket])
        self._ticking = asyncio.ensure_future(self._server.main_loop())
        return str(host), int(port)

    async def stop(self) -> None:
        """Let the requests under way end, and close."""
        if self._ticking is None or self._socket is None:
            return
        self._server.should_exit = True
        await self._ticking
        await self._server.shutdown(sockets=[self._socket])


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {reason}") from error
    return listener
