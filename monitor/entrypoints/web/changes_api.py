"""Changes as JSON, and the announcement of one."""

import json
import re
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from monitor.core.events import Record
from monitor.core.names import DomainName, InvalidName
from monitor.core.tracking.changes import Change
from monitor.entrypoints.change_documents import change_document
from monitor.entrypoints.documents import record_document
from monitor.entrypoints.shapes.changes import ChangeDocument
from monitor.entrypoints.shapes.lists import ChangeListDocument, RecordListDocument
from monitor.entrypoints.shapes.log import ChangeStoryDocument
from monitor.entrypoints.shapes.requests import LONGEST_TEXT, AnnouncementDocument
from monitor.entrypoints.web import parameters as given
from monitor.entrypoints.web.gate import caller_of
from monitor.entrypoints.web.listing import ULID, bad_cursor, limit_asked, seq_asked
from monitor.entrypoints.web.operation import Endpoint, Operation
from monitor.entrypoints.web.problems import problem
from monitor.entrypoints.web.replies import json_reply
from monitor.entrypoints.web.site import Site
from monitor.ports import StoreError
from monitor.usecases.announce import Announcement, NotAnnounced, NotKept

log = structlog.get_logger()

_T = TypeVar("_T")
# Python reads other forms of ISO 8601 as well.
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)
_JSON = "application/json"

_STORY_LIMIT = 1000
_LONGEST_BODY = 16_384
_RETRY_AFTER = "10"  # seconds
_KEYS = frozenset(AnnouncementDocument.__annotations__)
_UNREADABLE = {503: "The changes cannot be read."}
_NO_SUCH_CHANGE = {404: "There is no such change.", **_UNREADABLE}

CHANGES = Operation(
    "listChanges",
    "/changes",
    "The changes that ever were, newest first",
    ChangeListDocument,
    (given.OPEN, given.LIMIT, given.CHANGE_CURSOR),
    _UNREADABLE,
)
CHANGE = Operation(
    "getChange",
    "/changes/{id}",
    "One change with what happened in it",
    ChangeStoryDocument,
    (given.CHANGE,),
    _NO_SUCH_CHANGE,
    description=f"With its first {_STORY_LIMIT} records; `events_next` leads to the others.",
)
STORY = Operation(
    "listChangeEvents",
    "/changes/{id}/events",
    "What the audit log holds of one change, oldest first",
    RecordListDocument,
    (given.CHANGE, given.LIMIT, given.SEQ_CURSOR),
    _NO_SUCH_CHANGE,
)
ANNOUNCE = Operation(
    "announceChange",
    "/changes",
    "Announce a change, so that it is expected and has an author",
    ChangeDocument,
    problems={
        400: "The body is no JSON object.",
        409: "The change cannot be expected; the detail says why.",
        413: f"The body is longer than {_LONGEST_BODY} octets.",
        415: "The body is not said to be application/json.",
        422: "A key is missing, unknown, or holds what makes no sense; the detail says which.",
        503: "The database could not keep it in time: it is not announced.",
    },
    method="POST",
    status=HTTPStatus.CREATED,
    body=AnnouncementDocument,
)


class ChangesApi:
    def __init__(self, site: Site) -> None:
        self._site = site

    def endpoints(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(CHANGES, self.changes),
            Endpoint(ANNOUNCE, self.announce),
            Endpoint(CHANGE, self.change),
            Endpoint(STORY, self.story),
        )

    async def changes(self, request: Request) -> Response:
        asked, limit = request.query_params, limit_asked(request)
        only_open = _flag(asked.get("open") or "false")
        before = asked.get("cursor") or None
        if before is not None and not ULID.fullmatch(before):
            raise bad_cursor()
        changes = self._site.changes
        found = await _read(changes.changes(limit + 1, before=before, only_open=only_open))
        following = found[limit - 1].id if len(found) > limit else None
        return await run_in_threadpool(self._listed, request, found[:limit], following)

    def _listed(
        self, request: Request, changes: Iterable[Change], following: str | None
    ) -> Response:
        snapshot = self._site.snapshot()
        items = tuple(change_document(snapshot, change) for change in changes)
        document: ChangeListDocument = {"items": items, "next": following}
        return json_reply(request, document)

    async def change(self, request: Request) -> Response:
        change = await self._found(request)
        records = await _read(self._site.changes.story(change.id, _STORY_LIMIT + 1))
        return await run_in_threadpool(self._told, request, change, records)

    def _told(self, request: Request, change: Change, records: Sequence[Record]) -> Response:
        told = _records(records, _STORY_LIMIT)
        document: ChangeStoryDocument = {
            **change_document(self._site.snapshot(), change),
            "events": told["items"],
            "events_next": told["next"],
        }
        return json_reply(request, document)

    async def story(self, request: Request) -> Response:
        limit, after = limit_asked(request), seq_asked(request) or 0
        change = await self._found(request)
        records = await _read(self._site.changes.story(change.id, limit + 1, after=after))
        return await run_in_threadpool(json_reply, request, _records(records, limit))

    async def _found(self, request: Request) -> Change:
        change = await _read(self._site.changes.change(request.path_params["id"]))
        if change is None:
            raise HTTPException(404, "There is no such change.")
        return change

    async def announce(self, request: Request) -> Response:
        announcement = _announcement(await _body(request))
        by = announcement.by or caller_of(request).name
        try:
            change = await self._site.announce(replace(announcement, by=by))
        except NotKept as error:
            return problem(503, f"{error}.", {"retry-after": _RETRY_AFTER})
        except NotAnnounced as error:
            return problem(409, str(error))
        place = {"location": f"/api/v1/changes/{change.id}"}
        return json_reply(request, change_document(self._site.snapshot(), change), 201, place)


def _records(records: Sequence[Record], limit: int) -> RecordListDocument:
    """Return so many of the records, of which there may be one more."""
    shown = records[:limit]
    return {
        "items": tuple(map(record_document, shown)),
        "next": str(shown[-1].seq) if len(records) > limit else None,
    }


async def _body(request: Request) -> Mapping[str, Any]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _JSON:
        raise HTTPException(415, f"The body must be {_JSON}.", {"accept-post": _JSON})
    received = b""
    try:
        async for part in request.stream():
            received += part
            if len(received) > _LONGEST_BODY:
                raise HTTPException(413, f"At most {_LONGEST_BODY} octets are read.")
    except ClientDisconnect:
        raise HTTPException(400, "The body ended too early.") from None
    try:
        document = json.loads(received)
        # RFC 8259 §8.2: JSON can write half of a surrogate pair, which no page or file can hold.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"The body is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise HTTPException(400, "The body must be a JSON object.")
    if unknown := sorted(document.keys() - _KEYS):
        raise HTTPException(
            422, f"{unknown[0]}: no such key; there are {', '.join(sorted(_KEYS))}"
        )
    return document


def _announcement(document: Mapping[str, Any]) -> Announcement:
    at = document.get("at")
    return Announcement(
        _name(document, "domain"),
        _name(document, "to"),
        None if at is None else _instant(_text(document, "at")),
        _text(document, "by"),
        _text(document, "note"),
    )


def _name(document: Mapping[str, Any], key: str) -> DomainName:
    written = _text(document, key)
    if not written:
        raise HTTPException(422, f"{key}: is needed, a domain name")
    try:
        return DomainName.parse(written)
    except InvalidName as error:
        raise HTTPException(422, f"{key}: {error}") from error


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise HTTPException(422, f"{key}: must be a text of at most {LONGEST_TEXT} characters")
    return value


def _instant(written: str) -> datetime:
    if _RFC_3339.fullmatch(written):
        with suppress(ValueError, OverflowError):
            return datetime.fromisoformat(written.upper()).astimezone(UTC)
    wanted = "at: must be an RFC 3339 time with its zone, such as 2026-03-14T09:26:53Z"
    raise HTTPException(422, f"{wanted} (got {written!r})")


def _flag(written: str) -> bool:
    if written not in {"true", "false"}:
        raise HTTPException(400, "open: true or false")
    return written == "true"


async def _read(wanted: Awaitable[_T]) -> _T:
    try:
        return await wanted
    except StoreError as error:
        log.error("web.changes_failed", error=str(error))
        raise HTTPException(503, "The changes cannot be read; see the log.") from error
