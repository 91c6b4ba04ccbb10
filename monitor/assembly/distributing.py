"""Whether anything is asked from other places; what that needs is imported only then."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from monitor.adapters.telemetry.vantages import VantageCounts
from monitor.assembly.parts import Afar, NotAvailable, Surroundings
from monitor.assembly.worker_service import WorkerService
from monitor.config import Settings
from monitor.config.distributed import Distributed

if TYPE_CHECKING:
    from monitor.adapters.resolvers.vantages.worker import Worker


def afar_of(settings: Settings, around: Surroundings, counts: VantageCounts) -> Afar | None:
    """Return the way to workers, None where all is asked from here. Raises NotAvailable."""
    if settings.distributed is None:
        counts.expect(frozenset())
        return None
    given = _distributed_of(settings)
    from monitor.assembly.vantages import vantages_of  # noqa: PLC0415 - needs an extra

    afar = vantages_of(settings, given, around, counts)
    counts.expect(frozenset(r.vantage for r in settings.resolvers if r.vantage is not None))
    return afar


class LeaseLost(Exception):
    """Another daemon may lead by now, so this one has ended: it has to be started again."""


@asynccontextmanager
async def leading(
    settings: Settings, around: Surroundings, stopped: asyncio.Event
) -> AsyncIterator[bool]:
    """Enter when this process leads, with True; see `Lease.led`.

    Raises NotAvailable at first, and LeaseLost in the end where that is why it ended: whoever
    keeps services running must not take it for an end that somebody wished for.
    """
    if settings.distributed is None or settings.distributed.lease is None:
        yield True
        return
    given = _distributed_of(settings)
    from monitor.assembly.vantages import lease_of  # noqa: PLC0415 - needs an extra

    lease = lease_of(settings.distributed.lease, given, around)
    async with lease.led(stopped) as is_ours:
        yield is_ours
    if lease.is_lost:
        raise LeaseLost(f"the lease {lease.name} is lost, and another daemon may lead: start anew")


def worker_at(settings: Settings, around: Surroundings) -> tuple["Worker", WorkerService]:
    """Return the worker of the vantage that the settings name, and what tells how it stands.

    Raises NotAvailable.
    """
    given = _distributed_of(settings)
    from monitor.assembly.vantages import worker_of  # noqa: PLC0415 - needs an extra

    worker = worker_of(given, around)
    service = WorkerService(around.manager, worker.identity.vantage)
    worker.standing = service.broker_is
    return worker, service


def _distributed_of(settings: Settings) -> Distributed:
    """Return what is said of the broker. Raises NotAvailable where nothing is, or no client."""
    if settings.distributed is None:
        raise NotAvailable(
            "[distributed]: is missing, and with it where the broker is: write nats_url in the "
            "configuration that -c names, as docs/vantages.md shows"
        )
    if importlib.util.find_spec("nats") is None:
        raise NotAvailable(
            "[distributed]: needs a library that is not installed; "
            "install the wheel with its extra [distributed]"
        )
    return settings.distributed
