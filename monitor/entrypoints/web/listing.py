"""Which domains of a snapshot a request asks for."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property
from itertools import islice
from typing import TypeAlias, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request

from monitor.core.bindings import NameTarget, Target
from monitor.core.names import MAX_NAME, DomainName, InvalidName
from monitor.core.state import DomainState
from monitor.core.status import DomainStatus, Fault
from monitor.usecases.snapshot import BY_URGENCY, PLACES, Snapshot, Sort

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_SEQ = 10**18 - 1  # what fits into SQLite's numbers, in digits
ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")

_Place: TypeAlias = str | tuple[int, str] | tuple[datetime, str]  # as its sort orders them
_E = TypeVar("_E", bound=Enum)


class Order(Enum):
    ASCENDING = "asc"
    DESCENDING = "desc"


@dataclass(frozen=True, slots=True)
class Query:
    """Which domains are wanted: of a status, an account, with a fault, with a text in a name.

    They come in the order of `sort`, from `cursor` on, which is the `next` of the page before.
    """

    status: DomainStatus | None = None
    text: str = ""
    limit: int = DEFAULT_LIMIT
    cursor: str = ""
    account: str = ""
    fault: Fault | None = None
    sort: Sort = Sort.NAME
    order: Order = Order.ASCENDING

    @property
    def is_narrowed(self) -> bool:
        """True where it does not ask for all domains."""
        return self.status is not None or self.is_picky

    @property
    def is_picky(self) -> bool:
        """True where more than the status decides."""
        return self.fault is not None or bool(self.text or self.account)

    def wants(self, domain: DomainState) -> bool:
        if self.status is not None and domain.status.value is not self.status:
            return False
        if self.fault is not None and self.fault not in domain.faults:
            return False
        binding = domain.binding
        if self.account and (binding is None or binding.account != self.account):
            return False
        return not self.text or _has_text(domain, self.text)


@dataclass(frozen=True)
class Page:
    """Some domains in the order of the query, and the cursor to what follows; None at the end."""

    snapshot: Snapshot
    query: Query
    domains: tuple[DomainState, ...]
    next: str | None

    @cached_property
    def matching(self) -> int:
        """How many domains the query wants in all."""
        if self.query.is_picky:
            return sum(map(self.query.wants, _candidates(self.snapshot, self.query)))
        counts = self.counts
        return sum(counts.values()) if self.query.status is None else counts[self.query.status]

    @property
    def counts(self) -> Mapping[DomainStatus, int]:
        """How many domains there are of each status."""
        return self.snapshot.counts


def page_of(snapshot: Snapshot, query: Query) -> Page:
    """Return one page of the domains that the query wants; an HTTP error for a bad cursor."""
    rest = _rest(snapshot, query)
    wanted = filter(query.wants, rest) if query.is_narrowed else rest
    found = tuple(islice(wanted, query.limit + 1))
    shown = found[: query.limit]
    following = _cursor(query.sort, shown[-1]) if len(found) > len(shown) else None
    return Page(snapshot, query, shown, following)


def query_of(request: Request) -> Query:
    """Return what the parameters of a URL ask for; an HTTP error where they make no sense."""
    asked = request.query_params
    return Query(
        member_of(DomainStatus, "status", asked.get("status", "")),
        text_of("q", asked.get("q", "")).strip().lower(),
        limit_asked(request),
        asked.get("cursor", ""),
        text_of("account", asked.get("account", "")),
        member_of(Fault, "fault", asked.get("fault", "")),
        member_of(Sort, "sort", asked.get("sort", "")) or Sort.NAME,
        member_of(Order, "order", asked.get("order", "")) or Order.ASCENDING,
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


def limit_of(written: str) -> int:
    """Return how many items a request wants; an HTTP error where that makes no sense."""
    number = number_of(written, MAX_LIMIT)
    if number is None or number < 1:
        raise HTTPException(400, f"limit: a number from 1 to {MAX_LIMIT}")
    return number


def limit_asked(request: Request) -> int:
    """Return how many items the request wants at most; an HTTP error as `limit_of`."""
    return limit_of(request.query_params.get("limit") or str(DEFAULT_LIMIT))


def seq_asked(request: Request) -> int | None:
    """Return the cursor of a list of records, None without one; an HTTP error for a bad one."""
    written = request.query_params.get("cursor") or None
    if written is None:
        return None
    number = number_of(written, MAX_SEQ)
    if number is None:
        raise bad_cursor()
    return number


def number_of(written: str, most: int) -> int | None:
    """Return the number that is written in ASCII digits; None for others and for larger ones."""
    if not written.isascii() or not written.isdigit() or len(written) > len(str(most)):
        return None
    number = int(written)
    return number if number <= most else None


def member_of(kind: type[_E], key: str, written: str) -> _E | None:
    """Return the member with that value, None for no text; an HTTP error where there is none."""
    known = {member.value: member for member in kind}
    if written and written not in known:
        raise HTTPException(400, f"{key}: one of {', '.join(known)}")
    return known.get(written)


def text_of(key: str, written: str) -> str:
    """Return the text; an HTTP error where it is longer than any name."""
    if len(written) > MAX_NAME:
        raise HTTPException(400, f"{key}: at most {MAX_NAME} characters")
    return written


def bad_cursor() -> HTTPException:
    return HTTPException(400, "cursor: the `next` of the page before, of the same sort")


def _candidates(snapshot: Snapshot, query: Query) -> Sequence[DomainState]:
    """Return all domains that may be wanted, in ascending order: of one status, if that helps."""
    if query.status is None or query.sort is Sort.SINCE:
        return snapshot.sorted(query.sort)
    return snapshot.sorted(Sort.STATUS)[snapshot.place(query.status)]  # of one, it is by name


def _rest(snapshot: Snapshot, query: Query) -> Iterator[DomainState]:
    """Yield what may be wanted of what follows the cursor."""
    ordered, key, place = _candidates(snapshot, query), PLACES[query.sort], _place(query)
    if query.order is Order.ASCENDING:
        begin = 0 if place is None else bisect_right(ordered, place, key=key)
        places = range(begin, len(ordered))
    else:
        end = len(ordered) if place is None else bisect_left(ordered, place, key=key)
        places = range(end - 1, -1, -1)
    return (ordered[n] for n in places)


def _cursor(sort: Sort, domain: DomainState) -> str:
    """Return the place of the domain, as `_place` reads it."""
    name = domain.domain.text
    match sort:
        case Sort.NAME:
            return name
        case Sort.STATUS:
            return f"{domain.status.value.value}:{name}"
        case Sort.SINCE:
            return f"{domain.since.isoformat().replace('+00:00', 'Z')}:{name}"


def _place(query: Query) -> _Place | None:
    if not query.cursor:
        return None
    before, _, written = query.cursor.rpartition(":")
    try:
        name = DomainName.parse(written).text
        match query.sort:
            case Sort.NAME if not before:
                return name
            case Sort.STATUS:
                return BY_URGENCY.index(DomainStatus(before)), name
            case Sort.SINCE if (since := datetime.fromisoformat(before)).tzinfo is not None:
                return since, name
            case _:
                raise bad_cursor()
    except ValueError:
        raise bad_cursor() from None


def _has_text(domain: DomainState, text: str) -> bool:
    name, binding = domain.domain.text, domain.binding
    if text in name or (binding is not None and _leads_to(binding.target, text)):
        return True
    # Only a name with A-labels reads otherwise, and it takes long to tell how.
    return "xn--" in name and text in domain.domain.display.lower()


def _leads_to(target: Target, text: str) -> bool:
    if isinstance(target, NameTarget):
        return text in target.name.text
    # The name of a bucket is long to make, and mostly of no use.
    is_part = text in target.bucket or text in target.endpoint.text
    return is_part or ("." in text and text in target.name.text)
