"""What is said to a service manager, over a socket of its own."""

import os
import secrets
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.adapters.service_manager import ServiceManager


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    kinds = {"path": str(tmp_path / "notify"), "abstract": f"@{secrets.token_hex(8)}"}
    return kinds[request.param]


@pytest.fixture
def line(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.setblocking(False)
        listening.bind(address.replace("@", "\0"))
        yield listening


def heard(line: socket.socket) -> list[str]:
    found = list[str]()
    while True:
        try:
            found.append(line.recv(65_536).decode())
        except BlockingIOError:
            return found


def test_each_turn_is_one_datagram(line: socket.socket, address: str) -> None:
    manager = ServiceManager(address)
    manager.say("a")
    manager.ready("b")
    manager.stopping("c")
    manager.alive()
    assert heard(line) == ["STATUS=a", "READY=1\nSTATUS=b", "STOPPING=1\nSTATUS=c", "WATCHDOG=1"]


def test_a_status_is_one_line_whatever_is_in_it(line: socket.socket, address: str) -> None:
    ServiceManager(address).say("no broker:\nREADY=1\r\n down")
    assert heard(line) == ["STATUS=no broker: READY=1 down"]


def test_where_nobody_listens_nothing_is_said_and_nothing_is_wrong() -> None:
    with capture_logs() as logged:
        ServiceManager.of({}).ready("a")
    assert logged == []


def test_a_socket_that_is_gone_is_logged_and_raises_nothing(tmp_path: Path) -> None:
    with capture_logs() as logged:
        ServiceManager(str(tmp_path / "gone")).ready("a")
    assert [entry["event"] for entry in logged] == ["service_manager.unreachable"]


def test_a_kind_of_address_that_we_do_not_know_is_logged() -> None:
    with capture_logs() as logged:
        ServiceManager.of({"NOTIFY_SOCKET": "vsock:2:1234"}).ready("a")
    assert [entry["event"] for entry in logged] == ["service_manager.address_unknown"]


@pytest.mark.parametrize(
    ("environ", "patience"),
    [
        ({"WATCHDOG_USEC": "30000000"}, timedelta(seconds=30)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, timedelta(seconds=30)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_its_patience_is_what_the_environment_says(
    environ: dict[str, str], patience: timedelta | None
) -> None:
    assert ServiceManager.of({"NOTIFY_SOCKET": "@x", **environ}).patience == patience


def test_without_a_socket_nobody_is_waiting() -> None:
    assert ServiceManager.of({"WATCHDOG_USEC": "30000000"}).patience is None
