"""`healthcheck`, as those who watch over containers run it."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from monitor.demo.ports import free_port
from tests.cli.commands import Finished, run


@contextmanager
def daemon(statuses: dict[str, int]) -> Iterator[int]:
    """Answer as a daemon in that state does, and yield the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses[self.path])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the output of the tests short."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def asked(port: int, *options: str, at: Path, host: str = "127.0.0.1") -> Finished:
    environ = {
        "OSS_CNAME_MONITOR__DAEMON__LISTEN": f"{host}:{port}",
        "OSS_CNAME_MONITOR__WEB__ALLOW_ANONYMOUS_READ": "true",
        "http_proxy": "http://127.0.0.1:1",  # is never between us and our own daemon
    }
    return run("healthcheck", *options, at=at, environ=environ)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_daemon_that_answers_is_healthy(host: str, tmp_path: Path) -> None:
    with daemon({"/-/healthy": 200}) as port:
        assert asked(port, at=tmp_path, host=host) == Finished(0, "", "")


def test_one_whose_first_round_is_not_done_is_healthy_and_not_ready(tmp_path: Path) -> None:
    with daemon({"/-/healthy": 200, "/-/ready": 503}) as port:
        assert asked(port, at=tmp_path).code == 0
        done = asked(port, "--ready", at=tmp_path)
    assert (done.code, done.err) == (1, "/-/ready: status 503\n")


def test_where_nobody_listens_nobody_is_healthy(tmp_path: Path) -> None:
    done = asked(free_port(["127.0.0.1"]), at=tmp_path)
    assert done.code == 1
    assert "Connection refused" in done.err
    assert "Traceback" not in done.err
