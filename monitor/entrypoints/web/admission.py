"""Whom a browser was sent by, and under which name: what another site can bring about."""

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request

from monitor.entrypoints.web.access import Rules

# What a proxy adds that brings requests of others (RFC 9110 §7.6.3, RFC 7239, and custom).
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def cross_site(request: Request) -> str | None:
    """Return why the request must not change anything; None when it may.

    Browsers say for whom they send a request (Fetch Metadata and RFC 6454 Origin); curl and other
    programs say nothing, and are no danger to a reader who did not start them.
    """
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return "A request that another site caused changes nothing here."
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        return "A request with the Origin of another site changes nothing here."
    return None


def foreign_host(request: Request, rules: Rules) -> str | None:
    """Return why the name by which we are asked is refused; None where it is one of ours.

    A name that was made to resolve to 127.0.0.1 is the same origin to a browser: its page could
    read what only this machine may.
    """
    host = _host_asked_for(request)
    if _is_local(host) or host in rules.hosts:
        return None
    # Off loopback an address will do: nobody can make one resolve to something else.
    if _is_on_loopback(request) or (rules.only_hosts and not _is_address(host)):
        return (
            "Ask for this listener as localhost, by its address or by a name of web.hosts: other "
            "names are refused."
        )
    return None


def is_direct(request: Request) -> bool:
    """True where this machine asks itself, and no proxy passes on what others ask."""
    is_passed_on = any(name in request.headers for name in _FORWARDED)
    return _is_on_loopback(request) and _is_local(_host_asked_for(request)) and not is_passed_on


def _host_asked_for(request: Request) -> str:
    try:
        return urlsplit("//" + request.headers.get("host", "")).hostname or ""
    except ValueError:  # a bracket that is never closed
        return ""


def _is_on_loopback(request: Request) -> bool:
    local: tuple[str, int | None] | None = request.scope.get("server")
    return local is not None and _is_local(local[0])


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_local(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)
