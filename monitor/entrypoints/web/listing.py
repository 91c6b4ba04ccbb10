"""Which domains of a snapshot somebody asked to see."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from monitor.core.names import DomainName
from monitor.core.state import DomainState
from monitor.core.status import DomainStatus
from monitor.usecases.snapshot import Snapshot

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Query:
    """A status, a part of the name, and where to go on: after the name `cursor`."""

    status: DomainStatus | None = None
    text: str = ""
    limit: int = DEFAULT_LIMIT
    cursor: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Self:
        """Return what the parameters of a URL ask for. Raises ValueError."""
        status = parameters.get("status")
        known = [member.value for member in DomainStatus]
        if status and status not in known:
            raise ValueError(f"status: one of {', '.join(known)}")
        limit = parameters.get("limit") or str(DEFAULT_LIMIT)
        if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= MAX_LIMIT:
            raise ValueError(f"limit: a number from 1 to {MAX_LIMIT}")
        return cls(
            DomainStatus(status) if status else None,
            parameters.get("q", "").strip().lower(),
            int(limit),
            parameters.get("cursor", ""),
        )

    def wants(self, domain: DomainState) -> bool:
        if self.status is not None and domain.status.value is not self.status:
            return False
        bucket = domain.binding.bucket if domain.binding else ""
        return any(self.text in part for part in (*_names(domain.domain), bucket))


@dataclass(frozen=True, slots=True)
class Page:
    """Some domains, in order of name, and the cursor of those that follow; None at the end."""

    snapshot: Snapshot
    query: Query
    domains: tuple[DomainState, ...]
    next: str | None
    counts: Mapping[DomainStatus, int]


def page_of(snapshot: Snapshot, query: Query) -> Page:
    """Return one page of the domains that the query wants."""
    rest = [d for d in snapshot.domains if d.domain.text > query.cursor and query.wants(d)]
    shown, more = rest[: query.limit], rest[query.limit :]
    return Page(
        snapshot,
        query,
        tuple(shown),
        shown[-1].domain.text if more else None,
        Counter(domain.status.value for domain in snapshot.domains),
    )


def _names(name: DomainName) -> tuple[str, str]:
    return name.text, name.display.lower()
