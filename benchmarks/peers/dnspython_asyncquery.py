"""dnspython as one would first use it: `dns.asyncquery.udp` in 200 workers."""

import asyncio

import dns.asyncquery
import dns.exception
import dns.message

from benchmarks.expected import name_of
from benchmarks.peers.dnspython_answers import seen
from benchmarks.task import HOST, Tally, Task, report

WORKERS = 200


async def ask(task: Task) -> Tally:
    """Ask one round."""
    tally, waiting = Tally(task), task.pairs()

    async def work() -> None:
        for number, port in waiting:
            query = dns.message.make_query(name_of(number), "A")
            try:
                response = await dns.asyncquery.udp(query, HOST, timeout=5, port=port)
            except dns.exception.DNSException:
                continue
            tally.note(number, *seen(response))

    async with asyncio.TaskGroup() as group:
        for _ in range(WORKERS):
            group.create_task(work())
    return tally


if __name__ == "__main__":
    report(ask)
