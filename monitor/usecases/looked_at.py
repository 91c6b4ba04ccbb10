"""Which domains a first look has looked at: what is stored of the others may be long past."""

import asyncio
from collections.abc import Iterable
from typing import Self

from monitor.core.names import DomainName


class LookedAt:
    """Holds the `domains` of which all resolvers were asked, until simply `are_all`."""

    def __init__(self) -> None:
        self.are_all = asyncio.Event()
        self.domains: set[DomainName] = set()

    def __contains__(self, domain: object) -> bool:
        return self.are_all.is_set() or domain in self.domains

    def note(self, domains: Iterable[DomainName]) -> None:
        if not self.are_all.is_set():
            self.domains.update(domains)

    def note_all(self) -> None:
        """Let every domain count, also those that come later: of them nothing old is stored."""
        self.are_all.set()
        self.domains.clear()

    def take_over(self, former: Self) -> None:
        """Let those count too that a former look has looked at."""
        if former.are_all.is_set():
            self.note_all()
        else:
            self.note(former.domains)
