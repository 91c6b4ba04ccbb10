"""The one who is paged: a webhook that remembers what it took, and when."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

from tests.chaos.judging import Delivery
from tests.servers.http_service import HttpService, Reaction, Says, Seen, http_service

_A_WHILE = 2.0  # seconds


@dataclass(slots=True)
class Pager:
    """Takes notices; `reaction` may be changed, and only what it answers with 200 is taken.

    It is called in a thread of its own, so that a reaction may also take its time. `handed` are
    the keys of all that came, taken or not.
    """

    reaction: Callable[[Seen], Reaction] = lambda _: Says()
    handed: list[str] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    url: str = ""

    @property
    def handed_again(self) -> int:
        """How many messages came that had come before."""
        return len(self.handed) - len(set(self.handed))

    def _react(self, seen: Seen) -> Reaction:
        key = unquote(seen.headers["Idempotency-Key"])
        self.handed.append(key)
        reaction = self.reaction(seen)
        if isinstance(reaction, Says) and reaction.status == 200:
            self.deliveries.append(Delivery(key, seen.document["title"], time.monotonic()))
        return reaction


def slowly(_: Seen) -> Reaction:
    """Take a notice after a while in which it is on its way."""
    time.sleep(_A_WHILE)
    return Says()


@contextmanager
def pager() -> Iterator[Pager]:
    """Take notices until the block ends."""
    one = Pager()
    with http_service(one._react) as service:
        one.url = _url(service)
        yield one


def _url(service: HttpService) -> str:
    return f"webhook://{service.at}/page"
