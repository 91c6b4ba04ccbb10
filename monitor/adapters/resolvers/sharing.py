"""Ports that a few questions to one server share while they are under way."""

import asyncio
from dataclasses import dataclass

from monitor.adapters.resolvers.datagrams import (
    LARGEST_DATAGRAM,
    Garbled,
    Response,
    connected,
    is_response,
)
from monitor.adapters.resolvers.questions import ID_END, Encoded, in_varied_case
from monitor.adapters.resolvers.reading import reading_of
from monitor.adapters.resolvers.sources import Tokens
from monitor.core.servers import Transport

_MOST = 8  # questions that ever leave one port
_MOST_AT_A_TIME = 32  # datagrams: a flood of strays must not keep the loop to itself


@dataclass(slots=True)
class Unmatched:
    """Datagrams that answered a question given up (`late`), or none that was asked (`stray`)."""

    late: int = 0
    stray: int = 0


class SharedPorts:
    """The ports from which one server is asked: new ones all the time (RFC 5452 §9.2).

    A socket costs more than all else about a question, so a few that are under way together share
    one; each has an id by lot, and is compared with what comes. No question leaves a port twice:
    a balancer that goes by ports may lead the next one to another cache.
    """

    def __init__(self, address: tuple[str, int], timeout: float, *, varies_case: bool) -> None:
        """Open nothing yet. Where it `varies_case`, a forger has to guess that too (0x20)."""
        self._address = address
        self._timeout = timeout
        self._varies_case = varies_case
        self._tokens = Tokens()
        self._newest: _Port | None = None
        self._unmatched = Unmatched()

    def unmatched_anew(self) -> Unmatched:
        """Return what came since the last time."""
        counted = Unmatched(self._unmatched.late, self._unmatched.stray)
        self._unmatched.late = self._unmatched.stray = 0
        return counted

    async def ask(self, asked: Encoded) -> Response:
        """Return the answer; datagrams that are none are passed over.

        So nobody can end the wait with a forgery. Raises Garbled when nothing else came in time,
        TimeoutError when nothing at all did, and OSError.
        """
        port = self._newest
        if port is None or not port.takes(asked.question):
            port = self._newest = _Port(self._address, self._timeout, self._unmatched)
        sent = in_varied_case(asked) if self._varies_case else asked
        token = self._token(port)
        waiting = port.send(token, sent, asked.question)
        try:
            return await waiting.heard
        finally:
            port.give_up(token)

    def _token(self, port: "_Port") -> bytes:
        while True:
            (token,) = self._tokens.draw(1)
            if not port.knows(token):
                return token


class _Waiting:
    """A question without an answer yet."""

    __slots__ = ("heard", "question", "strays", "until")

    def __init__(self, heard: "asyncio.Future[Response]", question: bytes, until: float) -> None:
        self.heard = heard
        self.question = question
        self.until = until
        self.strays = 0

    def fail(self, error: Exception) -> None:
        if not self.heard.done():
            self.heard.set_exception(error)


class _Port:
    """One connected socket, open for as long as a question from it waits.

    The questions wait in the order of their deadlines, since a dict keeps the order of insertion.
    Raises OSError where no socket can be had.
    """

    def __init__(self, address: tuple[str, int], timeout: float, unmatched: Unmatched) -> None:
        self._timeout = timeout
        self._socket = connected(address)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._receive)
        self._timer: asyncio.TimerHandle | None = None
        self._unmatched = unmatched
        self._waiting: dict[bytes, _Waiting] = {}
        self._given_up = set[bytes]()
        self._asked = set[bytes]()
        self._is_open = True

    def takes(self, question: bytes) -> bool:
        """Tell whether the question may leave from here."""
        return self._is_open and len(self._asked) < _MOST and question not in self._asked

    def knows(self, token: bytes) -> bool:
        return token in self._waiting or token in self._given_up

    def send(self, token: bytes, sent: Encoded, question: bytes) -> _Waiting:
        """Send what was `sent` for a question. Raises OSError."""
        until = self._loop.time() + self._timeout
        waiting = _Waiting(self._loop.create_future(), sent.question, until)
        self._asked.add(question)
        try:
            self._socket.send(token + sent.query)
        except OSError as error:  # the kernel tells of it with the next datagram
            self._refused(error)
            raise
        self._waiting[token] = waiting
        if self._timer is None:
            self._timer = self._loop.call_at(until, self._expire)
        return waiting

    def give_up(self, token: bytes) -> None:
        """Wait no longer for the answer, if it has not come."""
        if self._waiting.pop(token, None) is not None:
            self._given_up.add(token)
        self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self._waiting or not self._is_open:
            return
        self._is_open = False
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _expire(self) -> None:
        now = self._loop.time()
        for token, waiting in tuple(self._waiting.items()):
            if now < waiting.until:
                self._timer = self._loop.call_at(waiting.until, self._expire)
                return
            strays = waiting.strays
            self.give_up(token)
            waiting.fail(
                Garbled(f"{strays} datagrams came, none of them an answer")
                if strays
                else TimeoutError()
            )

    def _receive(self) -> None:
        """Take what is owed, and at least one datagram; what is left keeps the socket readable."""
        for _ in range(_MOST_AT_A_TIME):
            try:
                wire = self._socket.recv(LARGEST_DATAGRAM)
            except BlockingIOError:
                return
            except OSError as error:
                self._refused(error)
                return
            self._take(wire)
            if not self._waiting:
                break
        self._close_if_idle()

    def _take(self, wire: bytes) -> None:
        token = wire[:ID_END]
        waiting = self._waiting.get(token)
        if waiting is None:
            if token in self._given_up:
                self._unmatched.late += 1
                return
            self._unmatched.stray += 1
            for meant in self._waiting.values():  # it may have been for any of them
                meant.strays += 1
            return
        reading = reading_of(wire) if is_response(wire, token, waiting.question) else None
        if reading is None:
            self._unmatched.stray += 1
            waiting.strays += 1
            return
        del self._waiting[token]
        if not waiting.heard.done():
            waiting.heard.set_result(Response(wire, reading, Transport.UDP))

    def _refused(self, error: OSError) -> None:
        # ICMP says that something did not arrive, not what: nothing from this socket will.
        for waiting in self._waiting.values():
            waiting.fail(error)
        self._waiting.clear()
        self._close_if_idle()
