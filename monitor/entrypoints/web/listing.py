"""Which domains of a snapshot a request asks for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

from monitor.core.names import DomainName, InvalidName
from monitor.core.state import DomainState
from monitor.core.status import DomainStatus
from monitor.usecases.snapshot import Snapshot

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Query:
    """A status, a part of the name or bucket, and where to go on: after the name `cursor`."""

    status: DomainStatus | None = None
    text: str = ""
    limit: int = DEFAULT_LIMIT
    cursor: str = ""

    @property
    def is_narrowed(self) -> bool:
        """True where it does not ask for all domains."""
        return self.status is not None or bool(self.text)

    def wants(self, domain: DomainState) -> bool:
        if self.status is not None and domain.status.value is not self.status:
            return False
        name, bucket = domain.domain, domain.binding.bucket if domain.binding else ""
        return any(self.text in part for part in (name.text, name.display.lower(), bucket))


@dataclass(frozen=True, slots=True)
class Page:
    """Some domains, in order of name, and the cursor of those that follow; None at the end.

    `matching` is how many the query wants in all, `counts` how many there are of each status.
    """

    snapshot: Snapshot
    query: Query
    domains: tuple[DomainState, ...]
    next: str | None
    matching: int
    counts: Mapping[DomainStatus, int]


def page_of(snapshot: Snapshot, query: Query) -> Page:
    """Return one page of the domains that the query wants."""
    wanted = [domain for domain in snapshot.domains if query.wants(domain)]
    rest = [domain for domain in wanted if domain.domain.text > query.cursor]
    shown, more = rest[: query.limit], rest[query.limit :]
    return Page(
        snapshot,
        query,
        tuple(shown),
        shown[-1].domain.text if more else None,
        len(wanted),
        Counter(domain.status.value for domain in snapshot.domains),
    )


def query_of(request: Request) -> Query:
    """Return what the parameters of a URL ask for; an HTTP error where they make no sense."""
    parameters = request.query_params
    return Query(
        _status(parameters.get("status", "")),
        parameters.get("q", "").strip().lower(),
        limit_of(parameters.get("limit") or str(DEFAULT_LIMIT)),
        parameters.get("cursor", ""),
    )


def found(snapshot: Snapshot, request: Request) -> tuple[Snapshot, DomainState]:
    """Return the domain that the path names, in Unicode or A-labels; else an HTTP error."""
    try:
        domain = snapshot.domain(DomainName.parse(request.path_params["domain"]))
    except InvalidName as error:
        raise HTTPException(404, str(error)) from error
    if domain is None:
        raise HTTPException(404, "This domain is not watched.")
    return snapshot, domain


def _status(written: str) -> DomainStatus | None:
    known = {status.value: status for status in DomainStatus}
    if written and written not in known:
        raise HTTPException(400, f"status: one of {', '.join(known)}")
    return known.get(written)


def limit_of(written: str) -> int:
    """Return how many items a request wants; an HTTP error where that makes no sense."""
    if not written.isascii() or not written.isdigit() or len(written) > len(str(MAX_LIMIT)):
        raise HTTPException(400, f"limit: a number from 1 to {MAX_LIMIT}")
    if not 1 <= int(written) <= MAX_LIMIT:
        raise HTTPException(400, f"limit: a number from 1 to {MAX_LIMIT}")
    return int(written)
