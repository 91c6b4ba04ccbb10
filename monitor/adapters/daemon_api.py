"""A running daemon as its own commands reach it: over its listener."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

_TIMEOUT = 10.0  # seconds
_MOST_SAID = 500  # characters of what somebody says there that are repeated


class DaemonUnreachable(Exception):
    """Nobody listens there."""


class DaemonRefused(Exception):
    """The daemon does not do it; the message says why."""


@dataclass(frozen=True, slots=True)
class DaemonAt:
    """Where a daemon listens, and how one shows who one is.

    `ca_file` holds the authority that signed its certificate, where that is a private one;
    `certificate_file` a certificate of ours with its key, where it asks for one.
    """

    url: str
    token: str = ""
    ca_file: Path | None = None
    certificate_file: Path | None = None

    def __repr__(self) -> str:
        return f"DaemonAt({self.url!r})"  # the token is not shown


def post_change(daemon: DaemonAt, announcement: Mapping[str, str]) -> Mapping[str, Any]:
    """Announce a change to the daemon, and return the change as it tells it.

    Raises DaemonUnreachable or DaemonRefused.
    """
    try:
        response = requests.post(
            f"{daemon.url}api/v1/changes",
            json=dict(announcement),
            timeout=_TIMEOUT,
            allow_redirects=False,
            auth=_Shown(daemon.token),
            verify=str(daemon.ca_file) if daemon.ca_file else True,
            cert=str(daemon.certificate_file) if daemon.certificate_file else None,
            proxies={"http": "", "https": ""},  # a proxy is never between us and our own daemon
        )
    except requests.exceptions.SSLError as error:
        raise DaemonRefused(
            f"{daemon.url}: no trusted connection ({_innermost(error)}); --ca-file names the "
            "authority that signed its certificate, --cert-file yours where it asks for one, "
            "--url the daemon by a name in its certificate"
        ) from error
    except requests.RequestException as error:
        raise DaemonUnreachable(
            f"{daemon.url}: no answer ({_innermost(error)})\n"
            "  hint: does the daemon run there? --url names another place"
        ) from error
    except OSError as error:  # a file that is not there
        raise DaemonRefused(str(error)) from error
    return _change(daemon, response)


class _Shown(requests.auth.AuthBase):
    """Shows the token, or nothing; without it, requests would show what ~/.netrc has."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _change(daemon: DaemonAt, response: requests.Response) -> Mapping[str, Any]:
    try:
        document = response.json()
    except (ValueError, RecursionError):
        document = None
    status = response.status_code
    if not isinstance(document, dict):
        raise DaemonRefused(f"{daemon.url}: status {status} without an explanation")
    detail = _plain(str(document.get("detail", status)))
    if status == requests.codes.unauthorized:
        raise DaemonRefused(f"{detail}\n  hint: give a token with the scope write: --token-file")
    if status != requests.codes.created:
        raise DaemonRefused(detail)
    if not _plain(str(document.get("id", ""))):
        raise DaemonRefused(f"{daemon.url}: what answers is no daemon: its change has no id")
    return {**document, "id": _plain(str(document["id"]))}


def _plain(text: str) -> str:
    # Whoever answers there may be somebody else, and it goes to a terminal.
    return "".join(letter for letter in text if letter.isprintable())[:_MOST_SAID]


def _innermost(error: BaseException) -> str:
    """Return what OpenSSL said, without the wrappers around it."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
