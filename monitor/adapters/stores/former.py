"""How migrations read what former releases wrote."""

import json
from base64 import urlsafe_b64decode
from functools import lru_cache
from typing import Any

from monitor.adapters.stores.details import unzipped, zipped
from monitor.adapters.stores.outline import packed_outline
from monitor.adapters.stores.views import joined


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
    return packed_outline(_dumped(outline))


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


def spells_apart(views: bytes) -> bytes:
    """Return views that were packed as one, packed with their spells apart."""
    try:
        known = json.loads(unzipped(views)) if views else []
    except ValueError:
        return views  # damaged as they were: the others are taken over
    wires = [urlsafe_b64decode(view["sighting"]["reply"]["wire"]) for view in known]
    spells = {view["sighting"]["server"]: _spell(view) for view in known}
    heard = [_heard(view["sighting"], len(wire)) for view, wire in zip(known, wires, strict=True)]
    return joined(_dumped(spells), _dumped(heard), b"".join(wires)) if known else b""


def _spell(view: Any) -> tuple[object, ...]:
    verdict = view["sighting"]["verdict"]
    meant = (view.get("meaning", ""), view.get("meant_since"), view.get("past", ()))
    return verdict["kind"], verdict["is_in_effect"], view["since"], *meant


def _heard(sighting: Any, wire_size: int) -> tuple[object, ...]:
    reply, verdict = sighting["reply"], sighting["verdict"]
    outcome, domain = reply["outcome"], verdict["chain"]["domain"]["text"]
    either = (None, outcome) if "reason" in outcome else (outcome, None)
    came = (reply["at"], reply["rtt"], reply["transport"], wire_size)
    return domain, *came, verdict["rule"], verdict["seen"], sighting.get("gist"), *either


def _dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


_JSON = json.JSONDecoder()


def _standings(standings: Any, gists: list[str]) -> Any:
    servers, places, of = standings
    numbered = []
    for kind, is_in_effect, gist in places:
        if gist is not None and gist not in gists:
            gists.append(gist)
        numbered.append((kind, is_in_effect, None if gist is None else gists.index(gist)))
    return (servers, of), numbered
