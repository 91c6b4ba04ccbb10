"""Prometheus and Alertmanager as child processes, and what one of them scrapes."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import requests

from tests.dashboards.shipped import ALERTMANAGER_FILE, ALERTS_FILE, RECORDING_FILE
from tests.servers.endpoints import Endpoint, free_endpoint
from tests.servers.installed import require
from tests.servers.process import home, running


@contextmanager
def metrics_served(text: str) -> Iterator[Endpoint]:
    """Serve this text as a monitor's metrics until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Keep the output of the tests short."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Endpoint("127.0.0.1", server.server_port)
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def prometheus(target: Endpoint) -> Iterator[str]:
    """Yield the address of a Prometheus that scrapes the target by the rules that are shipped."""
    at = free_endpoint()
    with home("prometheus") as directory:
        (directory / "prometheus.yml").write_text(_scraping(target))
        command = (
            require("prometheus"),
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address={at}",
        )
        with _serving(command, directory, at) as url:
            yield url


@contextmanager
def alertmanager() -> Iterator[str]:
    """Yield the address of an Alertmanager with the configuration that is shipped."""
    at = free_endpoint()
    with home("alertmanager") as directory:
        command = (
            require("prometheus-alertmanager"),
            f"--config.file={ALERTMANAGER_FILE}",
            f"--storage.path={directory / 'data'}",
            f"--web.listen-address={at}",
            "--cluster.listen-address=",
        )
        with _serving(command, directory, at) as url:
            yield url


def got(url: str) -> Any:
    answer = requests.get(url, timeout=30)
    answer.raise_for_status()
    return answer.json()


@contextmanager
def _serving(command: tuple[Path | str, ...], directory: Path, at: Endpoint) -> Iterator[str]:
    url = f"http://{at}"
    with running(command, directory / "server.log", lambda: _is_ready(url)):
        yield url


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=30).ok
    except requests.ConnectionError:
        return False


def _scraping(target: Endpoint) -> str:
    return f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{ALERTS_FILE}", "{RECORDING_FILE}"]
scrape_configs:
  - job_name: oss-cname-monitor
    static_configs: [{{targets: ["{target}"]}}]
"""
