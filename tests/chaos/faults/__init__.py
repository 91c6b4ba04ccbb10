"""Every fault, one module a family."""

from tests.chaos.fault import Fault
from tests.chaos.faults import processes

FAULTS: tuple[Fault, ...] = (*processes.FAULTS,)
