"""The connections of one delivery: to known addresses, trusted, bounded, and cut at will."""

import io
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
)

from monitor.adapters.notifiers.refusals import failure_of, refusal_of
from monitor.ports import NotDelivered

MOST_READ = 65_536  # bytes of an answer; those of services are some hundred

Place: TypeAlias = tuple[str, int]


class NoAddress(OSError):
    """Nobody could say where a host is."""


# Where a host and port are found: addresses and ports, best first. Raises OSError.
Whereabouts: TypeAlias = Callable[[str, int], Sequence[Place]]


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms all lines are opened: whose certificates count, and how long to be patient.

    `ca_file` stands in for the usual authorities; `patience` is for one step on the socket, in
    seconds.
    """

    ca_file: str | None = None
    patience: float = 10.0

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca_file or DEFAULT_CA_BUNDLE_PATH)


class Line:
    """Used by one thread; only `cut` may be called from another.

    `failure` is why the newest exchange that failed did so.
    """

    def __init__(self, find: Whereabouts, terms: Terms) -> None:
        self.terms = terms
        self.failure: NotDelivered | None = None
        self._find = find
        self._held: list[socket.socket] = []
        self._is_cut = False
        self._turn = threading.Lock()
        self._session = requests.Session()
        self._session.trust_env = False  # neither proxies nor passwords of whoever started us
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(self))

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        """Exchange one request for an answer. Raises what `requests` raises."""
        terms: dict[str, Any] = {
            "timeout": self.terms.patience,
            "verify": self.terms.ca_file or True,
            "allow_redirects": False,
            "proxies": {},
            "stream": False,
        }
        try:
            response = self._session.request(method, url, **(options | terms))
        except requests.RequestException as error:
            self.failure = failure_of(error, host_of(url))
            raise
        refusal = refusal_of(response.status_code, response.headers.get("Retry-After", ""))
        self.failure = refusal or self.failure
        return response

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> requests.Response:
        """Return the answer to a body that was taken, as the status says. Raises NotDelivered."""
        self.failure = None
        try:
            response = self.request("POST", url, data=body, headers=headers)
        except OSError as error:
            # Not chained: the error holds the URL, and that the token.
            raise failure_of(error, host_of(url)) from None
        if self.failure:
            raise self.failure
        return response

    def connect(self, host: str, port: int, timeout: float | None) -> socket.socket:
        """Return a socket to the first place of the host that can be reached. Raises OSError."""
        failure: OSError = NoAddress(host)
        for place in self._places(host, port):
            try:
                return self._holding(socket.create_connection(place, timeout))
            except OSError as error:
                failure = error
        raise failure

    def cut(self) -> None:
        """End all that is under way, so that the thread that waits for it is free again."""
        with self._turn:
            self._is_cut = True
            for held in self._held:
                with suppress(OSError):  # it had ended by itself
                    held.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._session.close()
        with self._turn:
            for held in self._held:
                held.close()
            self._held.clear()

    def _places(self, host: str, port: int) -> Sequence[Place]:
        try:
            return self._find(host, port)
        except OSError as error:
            raise NoAddress(host) from error

    def _holding(self, made: socket.socket) -> socket.socket:
        with self._turn:
            if self._is_cut:
                made.close()
                raise TimeoutError("the time for this delivery is over")
            # TLS takes the socket itself away from whoever made it; a second handle stays ours.
            self._held.append(made.dup())
        return made


def host_of(url: str) -> str:
    """Return what of a URL may be told."""
    return urlsplit(url).hostname or "?"


class _Adapter(HTTPAdapter):
    """Lets requests connect through the line, and reads no more of an answer than is sensible."""

    def __init__(self, line: Line) -> None:
        self._pools = _pools(line)
        super().__init__()

    def init_poolmanager(self, *sizes: Any, **options: Any) -> None:
        super().init_poolmanager(*sizes, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def send(self, request: requests.PreparedRequest, *rest: Any, **options: Any) -> Any:
        response = super().send(request, *rest, **options)
        answer = response.raw
        try:
            response.raw = io.BytesIO(answer.read(MOST_READ, decode_content=True))
        except HTTPError as error:
            raise requests.ConnectionError("the answer broke off", request=request) from error
        finally:
            answer.close()
        return response


def _pools(line: Line) -> dict[str, type[HTTPConnectionPool]]:
    """Return urllib3's pools, whose connections are made by the line.

    The host of the URL stays what TLS and the Host header name.
    """

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connected(line, self)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connected(line, self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _connected(line: Line, connection: HTTPConnection) -> socket.socket:
    timeout = connection.timeout if isinstance(connection.timeout, int | float) else None
    try:
        return line.connect(connection.host, connection.port or 0, timeout)
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "it took too long") from error
    except NoAddress as error:
        raise NameResolutionError(connection.host, connection, socket.gaierror()) from error
    except OSError as error:
        raise NewConnectionError(connection, type(error).__name__) from error
