"""JSON as it is sent: with a validator, packed, and not at all where the reader has it."""

import hashlib
import json
import zlib
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from monitor.entrypoints.web.coding import GZIP_WINDOW, accepts_gzip

_JSON = "application/json"
_VARY = {"vary": "accept-encoding"}
_LEAST_PACKED = 1024  # octets: what is less fits into a packet as it is
_DIGEST = 16  # octets of BLAKE2: no two documents have the same by chance


def json_reply(
    request: Request,
    document: object,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the document, or that the reader has it already.

    The validator is made of the document itself: whatever is part of what is known, and of the
    moment, changes it. It is a weak one, since it is the same whether or not it is packed.
    """
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    tag = f'W/"{hashlib.blake2b(body, digest_size=_DIGEST).hexdigest()}"'
    told = {**_VARY, **(headers or {}), "etag": tag}
    if status == 200 and _is_known(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=told)
    if len(body) >= _LEAST_PACKED and accepts_gzip(request.headers.get("accept-encoding", "")):
        told["content-encoding"] = "gzip"
        # Level 1: nine times the speed of level 9, for a fifth more bytes.
        body = zlib.compress(body, 1, GZIP_WINDOW)
    return Response(body, status, told, media_type=_JSON)


def _is_known(if_none_match: str | None, tag: str) -> bool:
    """Compare weakly, as RFC 9110 §13.1.2 wants; no tag of ours holds a comma."""
    if if_none_match is None:
        return False
    offers = {offer.strip().removeprefix("W/") for offer in if_none_match.split(",")}
    return "*" in offers or tag.removeprefix("W/") in offers
