"""blastdns: Rust under Python, by its fastest call that shows the chain."""

import asyncio

import blastdns

from benchmarks.expected import name_of
from benchmarks.task import HOST, Tally, Task, report

IN_FLIGHT = 32  # the most that it allows on a persistent socket


async def ask(task: Task) -> Tally:
    """Ask one round; a client spreads names over its resolvers, so each resolver has its own."""
    tally = Tally(task)
    async with asyncio.TaskGroup() as group:
        for port in task.ports:
            group.create_task(_ask_one(port, task.names, tally))
    return tally


async def _ask_one(port: int, names: int, tally: Tally) -> None:
    config = blastdns.ClientConfig(
        max_inflight_per_resolver=IN_FLIGHT,
        request_timeout_ms=5000,
        persistent_socket=True,
        adaptive=False,
        cache_capacity=0,
    )
    client = blastdns.Client([f"{HOST}:{port}"], config)
    hosts = (name_of(number) for number in range(names))
    async for host, result in client.resolve_batch_full(hosts, "A"):
        if isinstance(result, blastdns.DNSResult):
            tally.note(int(host[1 : host.index(".")]), *_seen(result))


def _seen(result: blastdns.DNSResult) -> tuple[tuple[str, ...], list[str]]:
    data = [record.rdata for record in result.response.answers]
    chain = (one["CNAME"].rstrip(".") for one in data if "CNAME" in one)
    return tuple(chain), [one["A"] for one in data if "A" in one]


if __name__ == "__main__":
    report(ask)
