"""aiodns: c-ares under asyncio, 64 questions in flight to each resolver.

c-ares remembers answers until their TTL ends, and a monitor must not see its own cache: each
round has new resolvers, so that every question goes out.
"""

import asyncio
from collections.abc import Iterator

import aiodns

from benchmarks.expected import name_of
from benchmarks.peers.ares_answers import seen
from benchmarks.task import HOST, Tally, Task, report

IN_FLIGHT = 64


async def ask(task: Task) -> Tally:
    """Ask one round."""
    tally = Tally(task)
    async with asyncio.TaskGroup() as group:
        for port in task.ports:
            group.create_task(_ask_one(port, iter(range(task.names)), tally))
    return tally


async def _ask_one(port: int, waiting: Iterator[int], tally: Tally) -> None:
    async with (
        aiodns.DNSResolver([f"{HOST}:{port}"], timeout=5, tries=1) as resolver,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(IN_FLIGHT):
            group.create_task(_work(resolver, waiting, tally))


async def _work(resolver: aiodns.DNSResolver, waiting: Iterator[int], tally: Tally) -> None:
    for number in waiting:
        try:
            result = await resolver.query_dns(name_of(number), "A")
        except aiodns.error.DNSError:
            continue
        tally.note(number, *seen(result))


if __name__ == "__main__":
    report(ask)
