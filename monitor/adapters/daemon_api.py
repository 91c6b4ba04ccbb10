"""A running daemon as its own commands reach it: over its listener."""

from collections.abc import Mapping
from typing import Any

import requests

_TIMEOUT = 10.0  # seconds


class DaemonUnreachable(Exception):
    """Nobody listens there."""


class DaemonRefused(Exception):
    """The daemon does not do it; the message says why."""


def post_change(url: str, announcement: Mapping[str, str]) -> Mapping[str, Any]:
    """Announce a change to the daemon at `url`, and return the change as it tells it.

    Raises DaemonUnreachable or DaemonRefused.
    """
    try:
        response = requests.post(
            f"{url}api/v1/changes",
            json=dict(announcement),
            timeout=_TIMEOUT,
            allow_redirects=False,
            proxies={"http": "", "https": ""},  # a proxy is never between us and our own daemon
        )
    except requests.RequestException as error:
        raise DaemonUnreachable(f"{url}: {type(error).__name__}") from error
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise DaemonRefused(f"{url}: status {response.status_code} without an explanation")
    if response.status_code != requests.codes.created:
        raise DaemonRefused(str(document.get("detail", response.status_code)))
    return document
