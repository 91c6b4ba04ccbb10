"""Prometheus as a child process: it scrapes what it is told, and is asked."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.servers.endpoints import free_endpoint
from tests.servers.installed import require
from tests.servers.process import home, running

Series = dict[str, Any]  # "metric" and "value" or "values", as the HTTP API has them


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A server that is running."""

    url: str

    def ask(self, expr: str) -> list[Series]:
        """Return the vector, or the one scalar as such, of now."""
        return self._ask("query", query=expr)

    def ask_range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        """Return the series between two instants, in seconds since the epoch."""
        return self._ask("query_range", query=expr, start=start, end=end, step=step)

    def label_values(self, label: str, metric: str) -> list[str]:
        """Return the values of a label, as Grafana's variables ask for them."""
        asked = requests.get(
            f"{self.url}/api/v1/label/{label}/values", params={"match[]": metric}, timeout=10
        )
        return list(_data(asked))

    def rules(self) -> list[dict[str, Any]]:
        """Return all rules with their health, and what they found when last evaluated."""
        groups = _data(requests.get(f"{self.url}/api/v1/rules", timeout=30))["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def alertmanagers(self) -> list[str]:
        """Return the addresses of those that it tells by now."""
        known = _data(requests.get(f"{self.url}/api/v1/alertmanagers", timeout=30))
        return [one["url"] for one in known["activeAlertmanagers"]]

    def _ask(self, what: str, **params: str | float) -> list[Series]:
        # A form, since an address has no room for a long question.
        asked = requests.post(f"{self.url}/api/v1/{what}", data=params, timeout=30)
        found = _data(asked)
        if found["resultType"] == "scalar":
            return [{"metric": {}, "value": found["result"]}]
        return list(found["result"])


class Refused(Exception):
    """Prometheus did not answer the question; the message is its own."""


@contextmanager
def scraping(
    targets: Mapping[str, Sequence[str]],
    every: str = "500ms",
    rules: Sequence[Path] = (),
    alertmanagers: Sequence[str] = (),
    how: Mapping[str, Mapping[str, object]] | None = None,
) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes targets (`host:port`, by job) until the block ends.

    It evaluates the rules as often as it scrapes, and tells the Alertmanagers (`host:port`). `how`
    has more of the configuration of a job, such as its credentials.
    """
    program, at = require("prometheus"), free_endpoint()
    with home("prometheus") as directory:
        config = directory / "prometheus.json"  # JSON is YAML
        config.write_text(json.dumps(_config(targets, every, rules, alertmanagers, how or {})))
        command = (
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address={at}",
        )
        url = f"http://{at}"
        with running(command, directory / "log", lambda: _is_ready(url)):
            yield Prometheus(url)


def _config(
    targets: Mapping[str, Sequence[str]],
    every: str,
    rules: Sequence[Path],
    alertmanagers: Sequence[str],
    how: Mapping[str, Mapping[str, object]],
) -> Mapping[str, object]:
    return {
        "global": {
            "scrape_interval": every,
            "scrape_timeout": every,
            "evaluation_interval": every,
        },
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": list(places)}], **how.get(job, {})}
            for job, places in targets.items()
        ],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]},
    }


def _is_ready(url: str) -> bool:
    with suppress(requests.ConnectionError):
        return requests.get(f"{url}/-/ready", timeout=2).ok
    return False


def _data(response: requests.Response) -> Any:
    document = response.json()
    if document["status"] != "success":
        raise Refused(f"{document['errorType']}: {document['error']}")
    return document["data"]
