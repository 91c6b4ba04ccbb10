"""A web service in threads on loopback that answers by a script, and keeps what reached it."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from tests.servers.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class Seen:
    """One request."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The first value of each parameter, decoded once, as a service does."""
        return {key: values[0] for key, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Says:
    """An answer."""

    status: int = 200
    document: object = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        text = self.document if isinstance(self.document, str) else json.dumps(self.document)
        return text.encode()


@dataclass(frozen=True, slots=True)
class Hangs:
    """No answer until the service ends."""


@dataclass(frozen=True, slots=True)
class Resets:
    """A connection that is torn down instead of an answer."""


Reaction: TypeAlias = Says | Hangs | Resets
Script: TypeAlias = Callable[[Seen], Reaction]


@dataclass(slots=True)
class HttpService:
    """A service at work; `script` may be changed at any time."""

    at: Endpoint
    script: Script
    seen: list[Seen] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def http_service(script: Script, context: ssl.SSLContext | None = None) -> Iterator[HttpService]:
    """Answer until the block ends, over TLS where there is a context."""
    with _Server(("127.0.0.1", 0), _Handler, context) as server:
        host, port = server.server_address[:2]
        server.service = HttpService(Endpoint(str(host), port), script)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.service
        finally:
            server.service.over.set()
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    service: HttpService

    def __init__(self, at: tuple[str, int], handler: Any, context: ssl.SSLContext | None) -> None:
        self._context = context
        super().__init__(at, handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the thread of the connection: who is slow in shaking hands keeps nobody else waiting.
        if self._context is None:
            super().finish_request(request, client_address)
            return
        with self._context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away, or does not trust us, is what tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = Seen(self.command, self.path, dict(self.headers.items()), body)
        service = self.server.service
        service.seen.append(seen)
        match service.script(seen):
            case Says() as says:
                self._say(says)
            case Hangs():
                service.over.wait()
            case Resets():
                # Linger for no time: the kernel sends RST.
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                self.connection.close()

    def do_GET(self) -> None:
        self.do_POST()

    def _say(self, says: Says) -> None:
        self.send_response(says.status)
        for name, value in says.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(says.body)))
        self.end_headers()
        self.wfile.write(says.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
