"""The audit log as server-sent events (WHATWG HTML §9.2): each record as soon as it is kept."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from monitor.core.events import Event, EventType
from monitor.core.names import DomainName, InvalidName
from monitor.entrypoints.shapes.log import RecordDocument
from monitor.entrypoints.web import parameters as given
from monitor.entrypoints.web.feed import Feed, Follower, Gap, Item
from monitor.entrypoints.web.listing import MAX_SEQ, ULID, number_of
from monitor.entrypoints.web.operation import Endpoint, Operation
from monitor.entrypoints.web.problems import problem
from monitor.ports import StoreError

log = structlog.get_logger()

_RETRY = "retry: 3000\n\n"  # milliseconds until a browser connects again
_BUSY = {"retry-after": "30"}
_PIECE = 32 * 1024
_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",  # nginx would hold events back until it has a bufferful
}


EVENTS = Operation(
    "followEvents",
    "/events",
    "Every event of the audit log as it happens",
    RecordDocument,
    (
        *(given.AFTER, given.LAST_EVENT_ID, given.TYPES, given.DOMAINS, given.CHANGES),
        *(given.DETAIL, given.BEHIND),
    ),
    {503: "As many follow the events as can be served; Retry-After says when to come again."},
    media_type="text/event-stream",
    description=(
        "Server-sent events. `id` is a record's `seq`, `event` its type, `data` the record. After "
        "15 s of silence comes a comment, with the place up to which there was nothing."
    ),
)


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds: how long to be silent, and how long to wait for who takes nothing."""

    until_heartbeat: float = 15.0  # proxies cut off what is silent for 30 to 60
    until_cut_off: float = 60.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one reader follows, and how it is written; an empty set stands for all.

    `after` is the last seq that the reader has. Who is hasty passes records over rather than lag.
    """

    types: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    after: int | None = None
    is_brief: bool = False
    is_hasty: bool = False

    def blocks(self, items: Iterable[Item]) -> Iterator[str]:
        """Yield the items that are wanted as the blocks of an event stream."""
        for item in items:
            if isinstance(item, Gap):
                data = f'{{"after":{item.after},"to":{item.seq}}}'
                yield f"id: {item.seq}\nevent: skipped\ndata: {data}\n\n"
            elif self._includes(item.record.event):
                kind = item.record.event.type.value
                data = item.brief if self.is_brief else item.whole
                yield f"id: {item.seq}\nevent: {kind}\ndata: {data}\n\n"

    def _includes(self, event: Event) -> bool:
        domain = event.domain.text if event.domain else None
        asked = (
            (self.types, event.type.value),
            (self.domains, domain),
            (self.changes, event.change),
        )
        return all(not wanted or value in wanted for wanted, value in asked)


class Events:
    def __init__(self, feed: Feed, patience: Patience) -> None:
        self._feed = feed
        self._patience = patience

    def endpoints(self) -> tuple[Endpoint, ...]:
        return (Endpoint(EVENTS, self.events),)

    async def events(self, request: Request) -> Response:
        wanted = wanted_of(request)
        if request.method == "HEAD":
            return Response(headers=_HEADERS)
        return _Stream(self._feed, wanted, self._patience)


class _Stream(StreamingResponse):
    """Goes on until the reader goes away, the monitor stops, or its store cannot be read."""

    def __init__(self, feed: Feed, wanted: Wanted, patience: Patience) -> None:
        super().__init__(self._written(wanted), headers=_HEADERS)
        self._feed = feed
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, if there are not too many already."""
        with self._feed.following() as is_admitted:
            if is_admitted:
                await super().__call__(scope, receive, send)
                return
        refusal = "As many as can be served follow the events already; ask again later."
        await problem(HTTPStatus.SERVICE_UNAVAILABLE, refusal, _BUSY)(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Send what comes, and give up a reader who takes nothing: it can go on from its place."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(self._patience.until_cut_off):
                await send(message)

        try:
            await super().stream_response(send_in_time)
        except TimeoutError:
            self._feed.telemetry.dropped("stalled")

    async def _written(self, wanted: Wanted) -> AsyncIterator[str]:
        yield _RETRY
        follower = Follower(self._feed, wanted.after, is_hasty=wanted.is_hasty)
        try:
            async for piece in self._pieces(follower, wanted):
                yield piece
        except StoreError as error:
            log.error("web.events_failed", error=str(error))

    async def _pieces(self, follower: Follower, wanted: Wanted) -> AsyncIterator[str]:
        silence, clock = self._patience.until_heartbeat, asyncio.get_running_loop().time
        spoken = clock() - silence  # so that the reader learns its place at once
        while (items := await follower.more(spoken + silence - clock())) is not None:
            for piece in _joined(wanted.blocks(items)):
                yield piece
                spoken = clock()
                await asyncio.sleep(0)  # a fast reader alone would keep the loop from the others
            if clock() - spoken >= silence:
                yield _heartbeat(follower.position)
                spoken = clock()


def _heartbeat(position: int | None) -> str:
    """Return a sign of life: a comment, and the place, which is no event without data."""
    return ": heartbeat\n\n" if position is None else f": heartbeat\nid: {position}\n\n"


def _joined(blocks: Iterable[str]) -> Iterator[str]:
    held, size = list[str](), 0
    for block in blocks:
        held.append(block)
        size += len(block)
        if size >= _PIECE:
            yield "".join(held)
            held, size = [], 0
    if held:
        yield "".join(held)


def wanted_of(request: Request) -> Wanted:
    """Return what the request asks for; an HTTP error where it makes no sense."""
    asked = request.query_params
    # A browser that connects again repeats the URL: the place in the header is the newer one.
    places = (_seq(request.headers.get("last-event-id")), _seq(asked.get("after")))
    return Wanted(
        frozenset(_types(asked)),
        frozenset(_domains(asked)),
        frozenset(_changes(asked)),
        next((place for place in places if place is not None), None),
        is_brief=_choice(asked, "detail", "whole", "brief"),
        is_hasty=_choice(asked, "behind", "catch_up", "skip"),
    )


def _types(asked: QueryParams) -> Iterator[str]:
    known = {kind.value for kind in EventType}
    for written in _listed(asked, "type"):
        if written not in known:
            raise HTTPException(400, f"type: one or more of {', '.join(sorted(known))}")
        yield written


def _domains(asked: QueryParams) -> Iterator[str]:
    for written in _listed(asked, "domain"):
        try:
            yield DomainName.parse(written).text
        except InvalidName as error:
            raise HTTPException(400, f"domain: {error}") from error


def _changes(asked: QueryParams) -> Iterator[str]:
    for written in _listed(asked, "change"):
        if not ULID.fullmatch(written):
            raise HTTPException(400, "change: the id of a change, a ULID")
        yield written


def _listed(asked: QueryParams, key: str) -> Iterator[str]:
    for written in asked.getlist(key):
        yield from filter(None, written.split(","))


def _seq(written: str | None) -> int | None:
    if not written:
        return None
    number = number_of(written, MAX_SEQ)
    if number is None:
        raise HTTPException(400, "after, Last-Event-ID: the seq of a record, a number")
    return number


def _choice(asked: QueryParams, key: str, usual: str, other: str) -> bool:
    written = asked.get(key) or usual
    if written not in {usual, other}:
        raise HTTPException(400, f"{key}: {usual} or {other}")
    return written == other
