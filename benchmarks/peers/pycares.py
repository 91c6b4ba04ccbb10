"""pycares without asyncio: callbacks in the threads of c-ares, 256 questions in flight.

c-ares remembers answers until their TTL ends, and a monitor must not see its own cache: each
round has new channels, so that every question goes out.
"""

import threading
from dataclasses import dataclass

import pycares

from benchmarks.expected import name_of
from benchmarks.peers.ares_answers import seen
from benchmarks.task import HOST, Tally, Task, report

IN_FLIGHT = 256


async def ask(task: Task) -> Tally:
    """Ask one round, all from this thread: to ask in a callback can lock up in pycares 5.2.1."""
    tally, free = Tally(task), threading.Semaphore(IN_FLIGHT)
    channels = {port: _channel(port) for port in task.ports}
    for number, port in task.pairs():
        free.acquire()
        hear = _Heard(number, tally, free)
        channels[port].query(name_of(number), pycares.QUERY_TYPE_A, callback=hear)
    for _ in range(IN_FLIGHT):
        free.acquire()
    for channel in channels.values():
        channel.close()
    return tally


def _channel(port: int) -> pycares.Channel:
    return pycares.Channel(servers=[f"{HOST}:{port}"], timeout=5, tries=1)


@dataclass(frozen=True, slots=True)
class _Heard:
    """Called with the answer, in a thread of c-ares."""

    number: int
    tally: Tally
    free: threading.Semaphore

    def __call__(self, result: pycares.DNSResult, error: int | None) -> None:
        if error is None:
            self.tally.note(self.number, *seen(result))
        self.free.release()


if __name__ == "__main__":
    report(ask)
