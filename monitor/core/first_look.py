"""For how long others wait for the first look at everything."""

from collections.abc import Iterable
from datetime import timedelta

from monitor.core.servers import Resolver

_QUESTIONS = 2  # about a domain to a resolver at most, in all but rare cases


def longest_look(domains: int, resolvers: Iterable[Resolver], slack: timedelta) -> timedelta:
    """Return how long a look at so many domains may last: as the slowest pace asks, and `slack`.

    The slack is for what no pace bounds: servers that do not answer, and accounts.
    """
    slowest = min(resolver.max_qps for resolver in resolvers)
    return slack + timedelta(seconds=_QUESTIONS * domains / slowest)
