"""Prometheus Alertmanager as a child process."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError

from tests.servers.endpoints import Endpoint, free_endpoint
from tests.servers.installed import require
from tests.servers.process import ServerProcess, home, running


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A running Alertmanager."""

    at: Endpoint
    process: ServerProcess

    @property
    def url(self) -> str:
        return f"http://{self.at}"

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that it takes for active."""
        found: list[dict[str, Any]] = json.loads(_get(f"{self.url}/api/v2/alerts"))
        return found


@contextmanager
def alertmanager(sink: str, at: Endpoint | None = None) -> Iterator[Alertmanager]:
    """Run one that tells a webhook at once of each alert, and of its end."""
    program = require("prometheus-alertmanager")
    at = at or free_endpoint()
    with home("alertmanager") as directory:
        config = directory / "alertmanager.yml"
        config.write_text(_config(sink))
        command = (
            program,
            f"--config.file={config}",
            f"--storage.path={directory}/data",
            f"--web.listen-address={at}",
            "--cluster.listen-address=",
        )
        with running(command, directory / "server.log", lambda: _is_ready(at)) as process:
            yield Alertmanager(at, process)


def _config(sink: str) -> str:
    route = {
        "receiver": "sink",
        "group_by": ["..."],
        "group_wait": "0s",
        "group_interval": "1s",
        "repeat_interval": "1h",
    }
    hook = {"url": sink, "send_resolved": True}
    return json.dumps({"route": route, "receivers": [{"name": "sink", "webhook_configs": [hook]}]})


def _is_ready(at: Endpoint) -> bool:
    try:
        return bool(_get(f"http://{at}/-/ready"))
    except (URLError, OSError):
        return False


def _get(url: str) -> bytes:
    # No proxy of whoever runs the tests.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as answer:
        body: bytes = answer.read()
    return body
