"""uvicorn inside the running loop: no signals, no lines of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from monitor.entrypoints.web.tls import Tls

# Who still waits for a reply is cut off after this many seconds; stopping takes two at most.
_SECONDS_TO_DRAIN = 1
_SECONDS_TO_CUT_OFF = 0.5
# In milliseconds: who takes nothing of what was sent for so long is gone, or acts so (RFC 5482).
_USER_TIMEOUT = 60_000


class WebServer:
    """Serves an application on one address while it is started; start and stop in one task.

    With `tls`, connections are encrypted; `turned_away` hears of clients whose certificate is in
    order but not welcome, by their address.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        port: int,
        tls: Tls | None = None,
        turned_away: Callable[[str], None] = lambda _client: None,
    ) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._tls = tls
        self._turned_away = turned_away
        self._serving = AsyncExitStack()

    async def start(self) -> tuple[str, int]:
        """Listen, and return on which host and port. Raises OSError, which names the address."""
        listener = await _listening(self._host, self._port)
        await self._serving.enter_async_context(self._served(listener))
        host, port = listener.getsockname()[:2]
        return str(host), int(port)

    async def stop(self) -> None:
        """Let the requests under way end, and close; nothing where it was not started."""
        await self._serving.aclose()

    @asynccontextmanager
    async def _served(self, listener: socket.socket) -> AsyncIterator[None]:
        server = _Server(self._config())
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[listener]))
            yield
            server.should_exit = True
        await _cut_off(server)

    def _config(self) -> uvicorn.Config:
        tls, turned_away = self._tls, self._turned_away
        config = uvicorn.Config(
            self._app,
            http=_choosy(tls, turned_away) if tls else Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # the application logs its own failures, once
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_SECONDS_TO_DRAIN,
        )
        config.load()
        config.ssl = tls.context if tls else None
        return config


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals of the process to the daemon."""
        yield


class Protocol(H11Protocol):
    """HTTP/1.1, which lets go of whoever sends something else, and says nothing in the log."""

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; a response under way cannot be sent behind that any more."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        try:
            super().send_400_response(msg)
        except Exception:  # noqa: BLE001 - to a broken HEAD, say, no body may be sent
            self.transport.close()


def _choosy(tls: Tls, turned_away: Callable[[str], None]) -> type[H11Protocol]:
    """Return a protocol that hangs up on clients whose certificates are not welcome."""

    class Choosy(Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            super().connection_made(transport)
            self._is_welcome = tls.welcomes(transport.get_extra_info("peercert"))
            if not self._is_welcome:
                turned_away(self.client[0] if self.client else "")
                transport.abort()

        def data_received(self, data: bytes) -> None:
            if self._is_welcome:  # what came along with the handshake too
                super().data_received(data)

    return Choosy


async def _cut_off(server: uvicorn.Server) -> None:
    """Wait for the requests that were cancelled, and drop who does not read what was sent."""
    if server.server_state.tasks:
        await asyncio.wait(server.server_state.tasks, timeout=_SECONDS_TO_CUT_OFF)
    for connection in list(server.server_state.connections):
        if connection.transport is not None:
            connection.transport.abort()
    await asyncio.sleep(0)  # the loop closes what was aborted on its next turn


async def _listening(host: str, port: int) -> socket.socket:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found[0]
        listener = socket.create_server(address[:2], family=family)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {reason}") from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT)
    return listener
