"""`/metrics`: the registry as text, in the format that the scraper asks for."""

import asyncio
import zlib
from collections.abc import Callable
from typing import TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

Encoder: TypeAlias = Callable[[CollectorRegistry], bytes]

_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # zlib's way to say: with a gzip header


async def exposed(registry: CollectorRegistry, request: Request) -> Response:
    """Render in a thread, since a large fleet would hold up the questions under way."""
    encode, content_type = _chosen(request.headers.get("accept", ""))
    headers = {"content-type": content_type, "vary": "accept, accept-encoding"}
    if not _accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(await asyncio.to_thread(encode, registry), headers=headers)
    body = await asyncio.to_thread(_zipped, encode, registry)
    return Response(body, headers=headers | {"content-encoding": "gzip"})


def _chosen(accept: str) -> tuple[Encoder, str]:
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # the library trips over a version that is no number
        return choose_encoder("")


def _accepts_gzip(accept_encoding: str) -> bool:
    for offer in accept_encoding.lower().split(","):
        coding, _, quality = offer.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return quality.rstrip("0") not in {"0.", "."} and quality != "0"
    return False


def _zipped(encode: Encoder, registry: CollectorRegistry) -> bytes:
    # Level 1: nine times the speed of level 9, for a fifth more bytes.
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP_WINDOW)
    return packer.compress(encode(registry)) + packer.flush()
