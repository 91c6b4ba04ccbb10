"""`/metrics`: all metrics as text, in the format that the scraper asks for, bit by bit."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from monitor.entrypoints.series.writing import END, Collected, Encoder
from monitor.entrypoints.web.coding import GZIP_WINDOW, accepts_gzip

_PIECE = 96 * 1024
_SHARE = 0.5  # of the time that the loop's turns take
_LONGEST_TURN = 0.025  # seconds


async def exposed(
    registry: CollectorRegistry, state: Callable[[Encoder], Iterator[str]], request: Request
) -> Response:
    """Return the registry's metrics and then the state's, which may be a million series.

    The state is written in the loop, a piece in each of its turns. In a thread it would hold up
    the questions under way for longer: who computes there gives the interpreter back every 5 ms
    only (sys.getswitchinterval), and the loop has to wait so long after each of its calls.
    """
    encode, content_type = _chosen(request.headers.get("accept", ""))
    pieces = _pieces(await _own(registry, encode), state(encode))
    headers = {"content-type": content_type, "vary": "accept, accept-encoding"}
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        headers["content-encoding"] = "gzip"
        pieces = _zipped(pieces)
    return _Streamed(pieces, headers)


async def _own(registry: CollectorRegistry, encode: Encoder) -> bytes:
    """Return the registry's metrics, which grow with the resolvers alone.

    They are read in the loop, which counts them, and written in a thread: the library can do that
    in one go only.
    """
    families = list[Metric]()
    for family in registry.collect():
        families.append(family)
        await asyncio.sleep(0)
    return await asyncio.to_thread(encode, Collected(families))


class _Streamed(StreamingResponse):
    """Lets the loop have its turn after each piece; a fast reader alone would not."""

    def __init__(self, pieces: Generator[bytes, None, None], headers: Mapping[str, str]) -> None:
        super().__init__(_in_turns(pieces), headers=headers)
        self._pieces = pieces

    async def stream_response(self, send: Send) -> None:
        """Send all, and let go of what was found for it, also where the scraper goes away."""
        try:
            await super().stream_response(send)
        finally:
            self._pieces.close()


async def _in_turns(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Give the loop its turn after each piece; where its turns are long, after some pieces.

    In a storm they take longer than a piece by far: a scrape would not be over in time.
    """
    now = asyncio.get_running_loop().time
    until = now()
    for piece in pieces:
        if piece:
            yield piece
        if (began := now()) >= until:
            await asyncio.sleep(0)
            until = now() + min(_SHARE * (now() - began), _LONGEST_TURN)


def _chosen(accept: str) -> tuple[Encoder, str]:
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # the library trips over a version that is no number
        return choose_encoder("")


def _pieces(own: bytes, state: Iterator[str]) -> Generator[bytes, None, None]:
    body = own.removesuffix(END)
    for begin in range(0, len(body), _PIECE):
        yield body[begin : begin + _PIECE]
    for text in state:
        yield text.encode()
    yield own[len(body) :]


def _zipped(pieces: Iterable[bytes]) -> Generator[bytes, None, None]:
    # Level 1: nine times the speed of level 9, for a fifth more bytes.
    packer = zlib.compressobj(1, zlib.DEFLATED, GZIP_WINDOW)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
