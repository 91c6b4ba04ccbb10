"""A name server as a child process: started, asked until it answers, stopped by its pid."""

import asyncio
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

START_LIMIT = 30.0
STOP_LIMIT = 15.0
PAUSE = 0.02


class ServerFailed(Exception):
    """A server did not do what was asked of it; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running server with a process group of its own."""

    name: str
    child: subprocess.Popen[bytes]
    log: Path

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Stop answering without letting go of the port: questions time out, as on a dead line."""
        os.killpg(self.child.pid, signal.SIGSTOP)
        try:
            self.wait_until(lambda: _states(self.child.pid) == {"T"}, "falling silent")
            yield
        finally:
            os.killpg(self.child.pid, signal.SIGCONT)

    def wait_until(self, is_done: Callable[[], bool], what: str) -> None:
        """Return as soon as `is_done`; fail with the log when that takes too long."""
        if not came_true(is_done, START_LIMIT, give_up=lambda: self.child.poll() is not None):
            raise ServerFailed(self._complaint(what))

    def stop(self) -> None:
        """Ask it to end, and insist when it does not."""
        self.child.terminate()
        try:
            self.child.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait(STOP_LIMIT)
        with suppress(ProcessLookupError):  # the usual case: its own children ended with it
            os.killpg(self.child.pid, signal.SIGKILL)

    def _complaint(self, what: str) -> str:
        code = self.child.poll()
        state = "still runs" if code is None else f"ended with {code}"
        log = self.log.read_text(errors="replace")[-4000:]
        return f"{self.name} {state}, but {what} failed; its log:\n{log}"


@contextmanager
def home(name: str) -> Iterator[Path]:
    """Yield a directory for configuration, zones and sockets that ends with the server."""
    # Not pytest's: the path of a control socket must stay below 108 bytes (unix(7)).
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as directory:
        yield Path(directory)


@contextmanager
def running(
    command: Sequence[str | Path], log: Path, is_ready: Callable[[], bool]
) -> Iterator[ServerProcess]:
    """Run a server in the foreground, from the moment it answers until the block ends."""
    name = Path(command[0]).name
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            start_new_session=True,
        )
    process = ServerProcess(name, child, log)
    try:
        process.wait_until(is_ready, "the start")
        yield process
    finally:
        process.stop()


@asynccontextmanager
async def aside(block: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave a block in a thread: a loop goes on while servers start and stop."""
    entered = await asyncio.to_thread(block.__enter__)
    try:
        yield entered
    finally:
        await asyncio.to_thread(block.__exit__, None, None, None)


def control(command: Sequence[str | Path]) -> None:
    """Run a control program of a server; its words are in the failure."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=START_LIMIT, check=False
    )
    if done.returncode:
        words = " ".join(map(str, command))
        raise ServerFailed(f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}")


def came_true(
    condition: Callable[[], bool], limit: float, give_up: Callable[[], bool] = lambda: False
) -> bool:
    """True as soon as the condition holds; False when the limit, in seconds, comes first."""
    end = time.monotonic() + limit
    while not condition():
        if give_up() or time.monotonic() > end:
            return False
        time.sleep(PAUSE)
    return True


def _states(group: int) -> set[str]:
    """Return the states of all threads of a process group (proc_pid_stat(5))."""
    states = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            for stat in process.glob("task/*/stat"):
                state, _, of_group, *_ = stat.read_text().rpartition(")")[2].split()
                if int(of_group) == group:
                    states.add(state)
    return states
