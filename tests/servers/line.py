"""A line between a client and a server on a local socket, which can be cut or fall silent."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum

_AT_ONCE = 65536
_GLANCE = 0.05  # seconds
_UNTIL_DONE = 2.0


class Cut(Enum):
    """When the line is cut on account of what a client sends."""

    BEFORE = "before the server got it"
    AFTER = "before the client got the answer"


@dataclass
class Line:
    """Listens on 127.0.0.1 and connects to a socket of the file system, for each client anew."""

    upstream: str
    is_silent: bool = False
    cut: tuple[bytes, Cut] | None = None  # once, at what is sent
    cuts: int = 0
    listener: socket.socket = field(init=False)
    is_over: threading.Event = field(default_factory=threading.Event)
    carriers: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(_GLANCE)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Swallow whatever is sent, and close nothing; connections of that time stay silent."""
        self.is_silent = True
        try:
            yield
        finally:
            self.is_silent = False

    def listen(self) -> None:
        while not self.is_over.is_set():
            with suppress(TimeoutError):
                client, _ = self.listener.accept()
                thread = threading.Thread(target=self._carry, args=(client,), daemon=True)
                self.carriers.append(thread)
                thread.start()

    def _carry(self, client: socket.socket) -> None:
        is_dead = False
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(self.upstream)
            while not self.is_over.is_set():
                is_dead = is_dead or self.is_silent
                ready, _, _ = select.select([client, server], [], [], _GLANCE)
                for one in ready:
                    sent = one.recv(_AT_ONCE)
                    if not sent:
                        return
                    if is_dead:
                        continue
                    if one is client and self.cut is not None and self.cut[0] in sent:
                        self._hang_up(server, sent)
                        return
                    (server if one is client else client).sendall(sent)

    def _hang_up(self, server: socket.socket, sent: bytes) -> None:
        assert self.cut is not None
        _, when = self.cut
        self.cut, self.cuts = None, self.cuts + 1
        if when is Cut.AFTER:
            server.sendall(sent)
            # What it answers tells that it has been done; of a part it may say nothing yet.
            select.select([server], [], [], _UNTIL_DONE)


@contextmanager
def line_to(upstream: str) -> Iterator[Line]:
    """Run a line until the block ends."""
    line = Line(upstream)
    listening = threading.Thread(target=line.listen, daemon=True)
    listening.start()
    try:
        yield line
    finally:
        line.is_over.set()
        for thread in (listening, *line.carriers):
            thread.join()
        line.listener.close()
