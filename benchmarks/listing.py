"""What one page of the list of domains costs, by its order and filter, while domains change.

python -m benchmarks.listing [--domains 100000] [--resolvers 10]
"""

import argparse
import gc
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from statistics import median

from rich.console import Console
from rich.table import Table

from monitor.core.hysteresis import Settled
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step
from monitor.core.status import DomainStatus, Fault
from monitor.entrypoints.documents import domain_document
from monitor.entrypoints.web.listing import Order, Query, page_of
from monitor.usecases.roster import Roster
from monitor.usecases.snapshot import Snapshot, Sort
from tests.entrypoints.sample import NOW, RESOLVERS, sample_snapshot

_RUNS = 15
_STATUSES = (*(DomainStatus.IN_EFFECT,) * 40, *DomainStatus)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domains", type=int, default=100_000)
    count = parser.parse_args().domains
    state = _fleet(count)
    gc.disable()  # the daemon seldom collects either
    table = Table(title=f"{count} domains, medians of {_RUNS}, ms of CPU")
    for column in ("page", "sorted anew", "same state", "1 moved", "1 % moved"):
        table.add_column(column)
    for what, query in _queries().items():
        costs = [_cost(state, query, moved) for moved in (None, 0, 1, count // 100)]
        table.add_row(what, *(f"{cost:.1f}" for cost in costs))
    page = page_of(_shown(state, Roster()), Query())
    documents = _timed(lambda: [domain_document(page.snapshot, d) for d in page.domains])
    table.add_row(f"{len(page.domains)} documents", f"{documents:.1f}")
    Console().print(table)


def _queries() -> dict[str, Query]:
    return {
        "the first page": Query(),
        "from the middle": Query(cursor="d55555.shop.example"),
        "most urgent first": Query(sort=Sort.STATUS),
        "longest unchanged last": Query(sort=Sort.SINCE, order=Order.DESCENDING),
        "status=broken": Query(status=DomainStatus.BROKEN),
        "fault=ttl_high, rare": Query(fault=Fault.TTL_HIGH),
        "account=shop, all": Query(account="shop"),
        "q=, found nowhere": Query(text="nowhere"),
        "q=, found often": Query(text="shop"),
    }


def _fleet(count: int) -> State:
    rng = _lots(1)
    model = next(d for d in sample_snapshot().domains if d.binding and len(d.resolvers) == 6)
    assert model.binding
    states = []
    for n in rng.sample(range(count), count):
        name = DomainName(f"d{n}.shop.example")
        states.append(
            replace(
                model,
                domain=name,
                binding=replace(model.binding, domain=name),
                status=Settled(rng.choice(_STATUSES)),
                since=NOW - timedelta(seconds=rng.randrange(10**7)),
                faults=frozenset({Fault.TTL_HIGH} if n % 5000 == 0 else ()),
            )
        )
    return State(domains={state.domain: state for state in states})


def _cost(state: State, query: Query, moved: int | None) -> float:
    """Return what a page costs when so many moved since the last; None: there was none."""
    rng, roster, spent = _lots(2), Roster(), list[float]()
    page_of(_shown(state, roster), query)
    for _ in range(_RUNS):
        if moved:
            moves = tuple(_moved(rng, domain) for domain in _some(rng, state, moved))
            state = state.after(Step(moves))
        shown = _shown(state, Roster() if moved is None else roster)
        spent.append(_timed(partial(page_of, shown, query)))
    return median(spent)


def _lots(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  # a fleet is no secret


def _some(rng: random.Random, state: State, count: int) -> list[DomainState]:
    return rng.sample(list(state.domains.values()), count)


def _moved(rng: random.Random, domain: DomainState) -> DomainState:
    return replace(domain, status=Settled(rng.choice(_STATUSES)), since=NOW)


def _shown(state: State, roster: Roster) -> Snapshot:
    return Snapshot(NOW, state, RESOLVERS, roster=roster)


def _timed(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return (time.thread_time() - began) * 1000


if __name__ == "__main__":
    main()
