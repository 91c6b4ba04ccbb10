"""What a command's exit code says."""

from enum import IntEnum

from monitor.core.status import DomainStatus
from monitor.usecases.snapshot import Snapshot


class Exit(IntEnum):
    """As monitoring plugins use them; each command's page says which it can give."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3  # also usage and configuration faults


_OF_STATUS = {
    DomainStatus.IN_EFFECT: Exit.OK,
    DomainStatus.PAUSED: Exit.OK,
    DomainStatus.PROPAGATING: Exit.WARNING,
    DomainStatus.PARTIAL: Exit.WARNING,
    DomainStatus.BROKEN: Exit.CRITICAL,
    DomainStatus.UNKNOWN: Exit.UNKNOWN,
}


def exit_of(snapshot: Snapshot) -> Exit:
    """Return 0 all in effect, 1 propagating or not everywhere, 2 broken, 3 unknown.

    The most urgent domain decides; where every domain is paused, nothing is known.
    """
    if all(domain.status.value is DomainStatus.PAUSED for domain in snapshot.domains):
        return Exit.UNKNOWN
    return Exit.UNKNOWN if snapshot.worst is None else _OF_STATUS[snapshot.worst]
