"""Every fault, one module a family."""

from tests.chaos.fault import Fault
from tests.chaos.faults import (
    api,
    clocks,
    endings,
    mass,
    network,
    processes,
    resolvers,
    signals,
    stores,
    vantages,
)

FAULTS: tuple[Fault, ...] = (
    *processes.FAULTS,
    *stores.FAULTS,
    *clocks.FAULTS,
    *network.FAULTS,
    *resolvers.FAULTS,
    *api.FAULTS,
    *signals.FAULTS,
    *endings.FAULTS,
    *mass.FAULTS,
    *vantages.FAULTS,
)
