"""Workers of the tests, which find every host on loopback."""

from collections.abc import Sequence

from monitor.adapters.notifiers.line import Place, Terms
from monitor.adapters.notifiers.workers import Workers


async def as_written(host: str, port: int) -> Sequence[Place]:
    return [(host, port)]


def workers(deadline: float = 30.0) -> Workers:
    return Workers(as_written, Terms(), deadline=deadline)
