"""Every fault, one module a family."""

from tests.chaos.fault import Fault
from tests.chaos.faults import clocks, processes, stores

FAULTS: tuple[Fault, ...] = (*processes.FAULTS, *stores.FAULTS, *clocks.FAULTS)
