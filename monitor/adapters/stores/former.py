"""How migrations read what former releases wrote."""

import json
from functools import lru_cache
from typing import Any

from monitor.adapters.stores.details import unzipped, zipped
from monitor.adapters.stores.outline import packed_outline


def outline_of(state: str) -> bytes:
    """Return the packed outline of a domain whose details were all in one."""
    known = json.loads(state)
    resolvers, authorities, records, calm, followed_until, ended_at = known["summary"]
    gists = list[str]()
    domain = known["binding"]["domain"]["text"] if known["binding"] else None
    outline = (
        known["rivals"],
        known["status"],
        known["split"],
        known["faults"],
        _standings(resolvers, gists),
        _standings(authorities, gists),
        [(None if owner == domain else owner, view) for owner, view in records],
        calm,
        followed_until,
        ended_at,
    )
    text = json.dumps(outline, ensure_ascii=False, separators=(",", ":"))
    return packed_outline(text.encode())


def gists_of(state: str) -> str:
    resolvers, authorities, *_ = json.loads(state)["summary"]
    gists = list[str]()
    for standings in (resolvers, authorities):
        _standings(standings, gists)
    return " ".join(gists)


def part_of(details: bytes, number: int) -> bytes:
    """Return one part of details that were all in one, packed alone."""
    return _parts(details)[number]


@lru_cache(maxsize=1)
def _parts(details: bytes) -> tuple[bytes, ...]:
    text = unzipped(details).decode()
    parts, start = list[bytes](), 1
    while start < len(text):
        # Cut out as it stands: writing it anew would take longer than all else.
        part, end = _JSON.raw_decode(text, start)
        parts.append(zipped(text[start:end]) if part else b"")
        start = end + 1
    return tuple(parts)


_JSON = json.JSONDecoder()


def _standings(standings: Any, gists: list[str]) -> Any:
    servers, places, of = standings
    numbered = []
    for kind, is_in_effect, gist in places:
        if gist is not None and gist not in gists:
            gists.append(gist)
        numbered.append((kind, is_in_effect, None if gist is None else gists.index(gist)))
    return (servers, of), numbered
