"""How many files and sockets a process may hold open."""

import resource

# Each resolver is asked from 16 sockets, of which a worker may have those of several batches open.
_ENOUGH = 65_536


def have_room_for_sockets() -> None:
    """Take as many descriptors as the system grants us: a shell often begins with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    granted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < granted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
