"""Who may change something: nobody whom another site's page sent, knowingly or not."""

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request


def objection(request: Request) -> str | None:
    """Return why the request must not change anything; None when it may.

    Browsers say for whom they send a request (Fetch Metadata and RFC 6454 Origin); curl and other
    programs say nothing, and are no danger to a reader who did not start them.
    """
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return "A request that another site caused changes nothing here."
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        return "A request with the Origin of another site changes nothing here."
    if _is_on_loopback(request) and not _is_local(_host_asked_for(request)):
        # A name that was made to resolve to 127.0.0.1 is the same origin to a browser.
        return "Ask for this listener as localhost or by its address: other names are refused."
    return None


def _host_asked_for(request: Request) -> str:
    try:
        return urlsplit("//" + request.headers.get("host", "")).hostname or ""
    except ValueError:  # a bracket that is never closed
        return ""


def _is_on_loopback(request: Request) -> bool:
    local: tuple[str, int | None] | None = request.scope.get("server")
    return local is not None and _is_local(local[0])


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
