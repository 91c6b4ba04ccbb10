"""PostgreSQL as a child process, on a socket of its own: stopped, silenced and killed at will.

Where it has a port it listens on 127.0.0.1 too.
"""

import getpass
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.servers.process import came_true, home

_PROGRAMS = "/usr/lib/postgresql/*/bin"  # Debian keeps several releases beside each other
_START_LIMIT = 30.0


def _program(name: str) -> Path:
    found = sorted(Path("/").glob(f"{_PROGRAMS[1:]}/{name}"), key=str) or (
        [Path(path)] if (path := shutil.which(name)) else []
    )
    if found:
        return found[-1]
    missing = f"{name} is not installed: run `make servers`"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def _owner() -> str:
    """Return whom the server runs as: it refuses to be root."""
    return "nobody" if os.geteuid() == 0 else getpass.getuser()


@dataclass
class Postgresql:
    """A server that can be ended and started again on the same data."""

    folder: Path
    settings: tuple[str, ...] = ()
    child: subprocess.Popen[bytes] | None = None
    numbers: Iterator[int] = field(default_factory=count)
    newest: str = ""  # the URL that `fresh` returned last
    port: int = 5432

    @property
    def url(self) -> str:
        return f"postgresql://monitor@/postgres?host={self.folder}&port={self.port}"

    @property
    def socket(self) -> str:
        return f"{self.folder}/.s.PGSQL.{self.port}"

    def fresh(self) -> str:
        """Return the URL of a new, empty schema."""
        name = f"s{next(self.numbers)}"
        self.tell(self.url, f"CREATE SCHEMA {name}")
        self.newest = f"{self.url}&options=-csearch_path%3D{name}"
        return self.newest

    def over_tcp(self, role: str = "monitor", host: str = "127.0.0.1", **parameters: str) -> str:
        """Return the URL of the newest schema by TCP."""
        options = self.newest.rpartition("options=")[2]
        more = "".join(f"&{key}={value}" for key, value in parameters.items())
        return f"postgresql://{role}@{host}:{self.port}/postgres?options={options}{more}"

    def tell(self, url: str, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as another program would, and return what it shows."""
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    def start(self) -> None:
        options = (f"-k{self.folder}", f"-p{self.port}", "-clisten_addresses=", *self.settings)
        command: list[str | Path] = [_program("postgres"), f"-D{self.folder / 'data'}", *options]
        with (self.folder / "log").open("ab") as log:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                user=_owner(), cwd=self.folder, start_new_session=True,
            )  # fmt: skip
        assert came_true(self._answers, _START_LIMIT), (self.folder / "log").read_text()[-2000:]

    def stop(self) -> None:
        """End it as an administrator would who does not wait for the clients."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End every process of it at once, as a power cut would."""
        self._end(signal.SIGKILL)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        yield
        self.start()

    @contextmanager
    def killed(self) -> Iterator[None]:
        self.kill()
        yield
        self.start()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Stop all its processes, which keep their connections open."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        assert self.child is not None
        if number is signal.SIGKILL:
            self._signal(number)
        else:
            self.child.send_signal(number)
        self.child.wait(_START_LIMIT)
        self.child = None

    def _signal(self, number: signal.Signals) -> None:
        """Signal the server and its children, each of which leads a group of its own."""
        assert self.child is not None
        os.kill(self.child.pid, number)
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
                _state, parent, *_ = stat.read_text().rpartition(")")[2].split()
                if int(parent) == self.child.pid:
                    os.kill(int(stat.parent.name), number)

    def _answers(self) -> bool:
        try:
            return self.tell(self.url, "SELECT 1") == [(1,)]
        except psycopg.OperationalError:
            return False


@contextmanager
def postgresql(*settings: str, port: int | None = None) -> Iterator[Postgresql]:
    """Run a server with one role, `monitor`, until the block ends; by TCP too with a port."""
    with home("postgresql") as folder:
        owner = pwd.getpwnam(_owner())
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        subprocess.run(
            [_program("initdb"), f"-D{folder / 'data'}", "-Umonitor", "-Atrust", "--encoding=UTF8",
             "--locale=C.UTF-8", "--no-sync"],
            user=_owner(), cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
        if port is not None:
            settings = ("-clisten_addresses=127.0.0.1", *settings)
        server = Postgresql(folder, settings, port=port or 5432)
        server.start()
        try:
            yield server
        finally:
            if server.child is not None:
                server.stop()
