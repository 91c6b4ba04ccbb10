"""Changes as JSON, and the announcement of one."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from monitor.core.names import DomainName, InvalidName
from monitor.entrypoints.change_documents import change_document
from monitor.entrypoints.documents import record_document
from monitor.entrypoints.web.gate import caller_of
from monitor.entrypoints.web.listing import DEFAULT_LIMIT, limit_of
from monitor.entrypoints.web.problems import problem
from monitor.entrypoints.web.site import Site
from monitor.ports import StoreError
from monitor.usecases.announce import Announcement, NotAnnounced

log = structlog.get_logger()

_STORY_LIMIT = 1000
_LONGEST_BODY = 16_384
_LONGEST_TEXT = 1000
_KEYS = frozenset({"domain", "to", "at", "by", "note"})


class ChangesApi:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def changes(self, request: Request) -> Response:
        asked = request.query_params
        limit = limit_of(asked.get("limit") or str(DEFAULT_LIMIT))
        only_open = _flag(asked.get("open", "false"))
        before = asked.get("cursor") or None
        try:
            found = await self._site.changes.changes(limit + 1, before=before, only_open=only_open)
        except StoreError as error:
            raise _unreadable(error) from error
        snapshot, shown = self._site.snapshot(), found[:limit]
        items = [change_document(snapshot, change) for change in shown]
        following = shown[-1].id if len(found) > limit else None
        return JSONResponse({"items": items, "next": following})

    async def change(self, request: Request) -> Response:
        number = request.path_params["id"]
        try:
            change = await self._site.changes.change(number)
            story = await self._site.changes.story(number, _STORY_LIMIT)
        except StoreError as error:
            raise _unreadable(error) from error
        if change is None:
            raise HTTPException(404, "There is no such change.")
        document = change_document(self._site.snapshot(), change)
        return JSONResponse({**document, "events": [record_document(record) for record in story]})

    async def announce(self, request: Request) -> Response:
        announcement = _announcement(await _body(request))
        by = announcement.by or caller_of(request).name
        try:
            change = await self._site.announce(replace(announcement, by=by))
        except NotAnnounced as error:
            return problem(409, str(error))
        place = {"location": f"/api/v1/changes/{change.id}"}
        return JSONResponse(change_document(self._site.snapshot(), change), 201, place)


async def _body(request: Request) -> Mapping[str, Any]:
    received = b""
    async for part in request.stream():
        received += part
        if len(received) > _LONGEST_BODY:
            raise HTTPException(413, f"At most {_LONGEST_BODY} octets are read.")
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
    at = _text(document, "at")
    return Announcement(
        _name(document, "domain"),
        _name(document, "to"),
        _instant(at) if at else None,
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
    value = document.get(key) or ""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise HTTPException(422, f"{key}: must be a text of at most {_LONGEST_TEXT} characters")
    return value


def _instant(written: str) -> datetime:
    try:
        at = datetime.fromisoformat(written)
    except ValueError as error:
        raise HTTPException(422, f"at: must be an RFC 3339 time (got {written!r})") from error
    if at.tzinfo is None:
        raise HTTPException(422, f"at: must say its time zone, such as Z (got {written!r})")
    return at.astimezone(UTC)


def _flag(written: str) -> bool:
    if written not in {"true", "false"}:
        raise HTTPException(400, "open: true or false")
    return written == "true"


def _unreadable(error: StoreError) -> HTTPException:
    log.error("web.changes_failed", error=str(error))
    return HTTPException(503, "The changes cannot be read; see the log.")
