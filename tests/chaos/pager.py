"""The one who is paged: a webhook that remembers what it took, and when."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

from tests.chaos.judging import Delivery
from tests.servers.http_service import HttpService, Reaction, Says, Seen, http_service


@dataclass(slots=True)
class Pager:
    """Takes notices; `reaction` may be changed, and only what it answers with 200 is taken.

    It is called in a thread of its own, so that a reaction may also take its time.
    """

    reaction: Callable[[Seen], Reaction] = lambda _: Says()
    deliveries: list[Delivery] = field(default_factory=list)
    url: str = ""

    def _react(self, seen: Seen) -> Reaction:
        reaction = self.reaction(seen)
        if isinstance(reaction, Says) and reaction.status == 200:
            key = unquote(seen.headers["Idempotency-Key"])
            self.deliveries.append(Delivery(key, seen.document["title"], time.monotonic()))
        return reaction


@contextmanager
def pager() -> Iterator[Pager]:
    """Take notices until the block ends."""
    one = Pager()
    with http_service(one._react) as service:
        one.url = _url(service)
        yield one


def _url(service: HttpService) -> str:
    return f"webhook://{service.at}/page"
