"""dnspython in 32 threads: `dns.query.udp`, which blocks its own thread only."""

from concurrent.futures import ThreadPoolExecutor

import dns.exception
import dns.message
import dns.query

from benchmarks.expected import name_of
from benchmarks.peers.dnspython_answers import seen
from benchmarks.task import HOST, Tally, Task, report

THREADS = 32


async def ask(task: Task) -> Tally:
    """Ask one round."""
    tally = Tally(task)

    def probe(pair: tuple[int, int]) -> None:
        number, port = pair
        query = dns.message.make_query(name_of(number), "A")
        try:
            response = dns.query.udp(query, HOST, timeout=5, port=port)
        except dns.exception.DNSException:
            return
        tally.note(number, *seen(response))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(probe, task.pairs()))
    return tally


if __name__ == "__main__":
    report(ask)
