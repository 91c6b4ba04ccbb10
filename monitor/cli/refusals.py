"""What the system refused, in words; light, so that every command may have it."""

import errno

_REMEDIES = {
    errno.EADDRINUSE: (
        "another program listens there, perhaps a daemon: stop it, or name another address with "
        "daemon.listen (demo: --listen)"
    ),
    errno.EADDRNOTAVAIL: "this machine has no such address: name one that it has in daemon.listen",
}


def refusal_of(error: OSError) -> str:
    """Return what was refused, of which file if it was one, and the remedy where it is known."""
    told = error.strerror or str(error)
    place = f"{error.filename}: " if error.filename else ""
    remedy = _REMEDIES.get(error.errno or 0)
    return f"{place}{told}" + (f"\n  hint: {remedy}" if remedy else "")
