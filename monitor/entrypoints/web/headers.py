"""What every response says about how a browser may use it."""

import re
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    # What is known changes with every round; a file may be kept and asked for again by its ETag.
    "cache-control": "no-cache",
}


# One year, RFC 6797 §6.1.1, of this name alone: others may have no TLS.
_HSTS = "max-age=31536000"
_CSP = "content-security-policy"


class SecurityHeaders:
    """Adds them, and those that are `configured`, to whatever the application answers."""

    def __init__(self, app: ASGIApp, configured: Callable[[], Mapping[str, str]]) -> None:
        self._app = app
        self._configured = configured

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _complete(MutableHeaders(scope=message), self._configured(), scope)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _complete(headers: MutableHeaders, configured: Mapping[str, str], scope: Scope) -> None:
    for name, value in configured.items():
        if name.lower() != _CSP:
            headers[name] = value
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    if _is_named_over_tls(scope):
        headers.setdefault("strict-transport-security", _HSTS)
    for name, value in configured.items():
        if name.lower() == _CSP:
            headers.append(name, value)  # a browser keeps to both: it can only be stricter


def _is_named_over_tls(scope: Scope) -> bool:
    """True where HSTS binds the name that was asked for, and no other service of this machine."""
    host = Headers(scope=scope).get("host", "")
    return scope.get("scheme") == "https" and not re.fullmatch(r"localhost(:\d+)?", host)
