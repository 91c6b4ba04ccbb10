"""Where apprise meets the network: its own `requests` and `smtplib`, put over our lines.

Apprise offers no way to hand it a session or a resolver. Its plugins find both libraries as names
of their own modules, so those names are what is replaced; the libraries stay as they are for
everybody else (decision 14).
"""

import smtplib
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any

import requests

from monitor.adapters.notifiers.line import Line, NoAddress
from monitor.adapters.notifiers.refusals import timed_out, unconnected, unlocated, untrusted
from monitor.ports import DeliveryFailure, NotDelivered

_CURRENT: ContextVar[Line] = ContextVar("line of the delivery")

_SMTP_PLUGIN = "apprise.plugins.email.smtp"
_VERBS = ("get", "options", "head", "post", "put", "patch", "delete")


@contextmanager
def over(line: Line) -> Iterator[None]:
    """Let what apprise does in this thread go over the line."""
    token = _CURRENT.set(line)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def put_seams(plugin: type) -> bool:
    """Put a plugin's connections over the line of the moment; False where it makes them otherwise.

    Doing it twice does no harm.
    """
    module = sys.modules[plugin.__module__]
    if isinstance(getattr(module, "requests", None), ModuleType):
        module.requests = _REQUESTS  # type: ignore[attr-defined]
        return True
    if plugin.__module__.startswith(_SMTP_PLUGIN.rpartition(".")[0]):
        sys.modules[_SMTP_PLUGIN].smtplib = _SMTPLIB  # type: ignore[attr-defined]
        return True
    return False


class _Seam(ModuleType):
    """Looks like a library, but for what is set on it, and what is barred as a way around."""

    def __init__(self, library: ModuleType, *barred: str) -> None:
        super().__init__(library.__name__)
        self._library = library
        self._barred = barred

    def __getattr__(self, name: str) -> Any:
        if name in self._barred:
            raise AttributeError(f"{name} would go around the line of the delivery")
        return getattr(self._library, name)


def _request(method: str, url: str, **options: Any) -> requests.Response:
    return _CURRENT.get().request(method, url, **options)


def _requests() -> ModuleType:
    seam = _Seam(requests, "Session", "session", "sessions", "api", "adapters")
    seam.request = _request  # type: ignore[attr-defined]
    for verb in _VERBS:
        setattr(seam, verb, _verb(verb.upper()))
    return seam


def _verb(method: str) -> Any:
    def sent(url: str, *body: Any, **options: Any) -> requests.Response:
        names = ("params",) if method == "GET" else ("data", "json")
        return _request(method, url, **dict(zip(names, body, strict=False)), **options)

    return sent


class _Smtp(smtplib.SMTP):
    """Mail over the line; what the server answers to a command decides what a failure means."""

    def _get_socket(self, host: str, port: int, _timeout: Any) -> socket.socket:
        line = _CURRENT.get()
        try:
            return line.connect(host, port, line.terms.patience)
        except TimeoutError:
            line.failure = timed_out(host)
            raise
        except NoAddress:
            line.failure = unlocated(host)
            raise
        except OSError:
            line.failure = unconnected(host)
            raise

    def getreply(self) -> tuple[int, bytes]:
        line = _CURRENT.get()
        try:
            code, text = super().getreply()
        except TimeoutError:
            line.failure = timed_out("the mail server")
            raise
        except OSError:
            line.failure = line.failure or _broken_off()
            raise
        line.failure = _mail_refusal(code) or line.failure
        return code, text

    def starttls(self, *_: Any, **__: Any) -> tuple[int, bytes]:
        line = _CURRENT.get()
        try:
            return super().starttls(context=line.terms.context())
        except ssl.SSLError:
            line.failure = untrusted("the mail server")
            raise


class _SmtpOverTls(_Smtp):
    """The same, with TLS from the first octet (RFC 8314)."""

    def __init__(self, *where: Any, **options: Any) -> None:
        options.pop("context", None)  # ours is the line's
        super().__init__(*where, **options)

    def _get_socket(self, host: str, port: int, _timeout: Any) -> socket.socket:
        line = _CURRENT.get()
        plain = super()._get_socket(host, port, _timeout)
        try:
            return line.terms.context().wrap_socket(plain, server_hostname=host)
        except ssl.SSLError:
            plain.close()
            line.failure = untrusted("the mail server")
            raise
        except OSError:
            plain.close()
            line.failure = _broken_off()
            raise


def _smtplib() -> ModuleType:
    seam = _Seam(smtplib, "LMTP")
    seam.SMTP = _Smtp  # type: ignore[attr-defined]
    seam.SMTP_SSL = _SmtpOverTls  # type: ignore[attr-defined]
    return seam


# RFC 4954 section 6: what a server says about who wants to send.
_MAIL_CREDENTIALS = {530, 534, 535, 538}


def _mail_refusal(code: int) -> NotDelivered | None:
    """Return what a reply says against a letter (RFC 5321 section 4.2.1: 4yz may pass)."""
    if code < 400:
        return None
    is_of_login = code in _MAIL_CREDENTIALS
    reason = DeliveryFailure.CREDENTIALS if is_of_login else DeliveryFailure.REFUSED
    text = f"the mail server answered with {code}"
    return NotDelivered(reason, text, is_permanent=code >= 500)


def _broken_off() -> NotDelivered:
    return NotDelivered(DeliveryFailure.UNREACHABLE, "the mail server broke off")


_REQUESTS = _requests()
_SMTPLIB = _smtplib()
