"""A NATS server with JetStream as a child process, of one test alone."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection

from tests.servers.endpoints import Endpoint, free_endpoint
from tests.servers.installed import require
from tests.servers.process import ServerProcess, home, running


@dataclass(frozen=True, slots=True)
class NatsServer:
    """Where it is, and how to start it again on the same files."""

    at: Endpoint
    folder: Path
    config: Path
    process: ServerProcess

    @property
    def url(self) -> str:
        return f"nats://{self.at}"


@contextmanager
def nats_server(extra: str = "", at: Endpoint | None = None) -> Iterator[NatsServer]:
    """Run a server until the block ends; `extra` is more of its configuration."""
    with home("nats") as folder, nats_server_in(folder, at or free_endpoint(), extra) as server:
        yield server


@contextmanager
def nats_server_in(folder: Path, at: Endpoint, extra: str = "") -> Iterator[NatsServer]:
    """Run a server on the files that another left there."""
    config = folder / "nats.conf"
    config.write_text(f'listen: "{at}"\njetstream {{ store_dir: "{folder / "data"}" }}\n{extra}\n')
    command = (require("nats-server"), "-c", config)
    with running(command, folder / "log", lambda: is_ready(at)) as process:
        yield NatsServer(at, folder, config, process)


def is_ready(at: Endpoint) -> bool:
    """Tell whether a server greets there."""
    with suppress(OSError), create_connection((at.address, at.port), 1) as greeting:
        return greeting.recv(5) == b"INFO "
    return False
