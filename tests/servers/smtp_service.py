"""A mail server in threads on loopback that takes what it is told to take."""

import base64
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

from tests.servers.endpoints import Endpoint


class MailHabit(Enum):
    TAKES = "takes"
    KNOWS_NO_RECIPIENT = "knows no recipient"
    KNOWS_NO_PASSWORD = "knows no password"
    IS_BUSY = "is busy"
    HANGS = "hangs"
    HANGS_UP = "hangs up"


@dataclass(slots=True)
class MailService:
    """A server at work; `habit` may be changed at any time."""

    at: Endpoint
    context: ssl.SSLContext
    is_tls_first: bool
    habit: MailHabit = MailHabit.TAKES
    letters: list[str] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def mail_service(context: ssl.SSLContext, *, is_tls_first: bool = False) -> Iterator[MailService]:
    """Speak SMTP with STARTTLS, or with TLS from the start, until the block ends."""
    with _Server(("127.0.0.1", 0), _Session) as server:
        host, port = server.server_address[:2]
        server.service = MailService(Endpoint(str(host), port), context, is_tls_first)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.service
        finally:
            server.service.over.set()
            server.shutdown()
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    service: MailService

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away, or does not trust us, is what tests are about."""


class _Session(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        self._service = self.server.service
        self._use(self.request)
        if self._service.is_tls_first:
            self._secure()
        match self._service.habit:
            case MailHabit.HANGS:
                self._service.over.wait()
                return
            case MailHabit.HANGS_UP:
                return
            case MailHabit.IS_BUSY:
                self._say("421 come again")
                return
            case _:
                self._say("220 mail.test")
        while line := self._stream.readline():
            if not self._obey(line.decode().strip()):
                break

    def finish(self) -> None:
        self._stream.close()
        self._connection.close()

    def _secure(self) -> None:
        self._use(self._service.context.wrap_socket(self.request, server_side=True))

    def _use(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rwb", buffering=-1)

    def _obey(self, line: str) -> bool:
        match line.upper().split(" ")[0].split(":")[0]:
            case "EHLO":
                self._say("250-mail.test", "250-AUTH PLAIN", "250 STARTTLS")
            case "STARTTLS":
                self._say("220 go on")
                self._secure()
            case "AUTH":
                self._login(line)
            case "RCPT" if self._service.habit is MailHabit.KNOWS_NO_RECIPIENT:
                self._say("550 no such mailbox")
            case "DATA":
                self._letter()
            case "QUIT":
                self._say("221 bye")
                return False
            case _:
                self._say("250 ok")
        return True

    def _login(self, line: str) -> None:
        _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
        self._service.logins.append((user, password))
        is_known = self._service.habit is not MailHabit.KNOWS_NO_PASSWORD
        self._say("235 welcome" if is_known else "535 wrong password")

    def _letter(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self._stream.readline()) != b".\r\n":
            lines.append(line.decode())
        self._service.letters.append("".join(lines))
        self._say("250 taken")

    def _say(self, *lines: str) -> None:
        for line in lines:
            self._stream.write(f"{line}\r\n".encode())
        self._stream.flush()
