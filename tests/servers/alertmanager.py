"""Prometheus Alertmanager as a child process."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import requests

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

    def alerts(self, **chosen: str) -> list[dict[str, Any]]:
        """Return the alerts that it takes for active, as its API chooses them."""
        return list(self.get("alerts", **chosen))

    def take(self, *alerts: object) -> None:
        """Give it alerts as a Prometheus does."""
        requests.post(f"{self.url}/api/v2/alerts", json=alerts, timeout=30).raise_for_status()

    def get(self, what: str, **chosen: str) -> Any:
        answer = requests.get(f"{self.url}/api/v2/{what}", params=chosen, timeout=30)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def alertmanager(config: str, at: Endpoint | None = None) -> Iterator[Alertmanager]:
    """Run one with this configuration until the block ends."""
    program = require("prometheus-alertmanager")
    at = at or free_endpoint()
    with home("alertmanager") as directory:
        file = directory / "alertmanager.yml"
        file.write_text(config, encoding="utf-8")
        command = (
            program,
            f"--config.file={file}",
            f"--storage.path={directory}/data",
            f"--web.listen-address={at}",
            "--cluster.listen-address=",
        )
        with running(command, directory / "server.log", lambda: _is_ready(at)) as process:
            yield Alertmanager(at, process)


def telling_at_once(sink: str) -> str:
    """Return the configuration that tells a webhook at once of each alert, and of its end."""
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
    with suppress(requests.ConnectionError):
        return requests.get(f"http://{at}/-/ready", timeout=30).ok
    return False
