"""Replies that are read within bounds: who answers in the place of OSS may send without end."""

import time
from collections.abc import Mapping
from typing import Protocol

import requests
from urllib3.exceptions import DecodeError, HTTPError, ProtocolError, SSLError

# Octets of a document, unpacked. A page of a thousand buckets has less than one million.
MOST_OCTETS = 16_000_000
LONGEST = 60.0  # seconds for it to come in
_AT_ONCE = 64 << 10


class TooLong(ValueError):
    """A reply is longer than any of its call."""


class Asked(Protocol):
    """What oss2 makes of a reply whose head has come."""

    response: requests.Response
    status: int
    headers: Mapping[str, str]
    request_id: str


class Asking(Protocol):
    """What of oss2's session is needed."""

    def do_request(self, request: object, timeout: object) -> Asked: ...


class BoundedReply:
    """A reply as oss2 reads it, but for its bounds."""

    def __init__(self, asked: Asked) -> None:
        self._response = asked.response
        self.status = asked.status
        self.headers = asked.headers
        self.request_id = asked.request_id

    def read(self, most: int | None = None) -> bytes:
        """Return the document, or so many octets of it.

        Raises TooLong, RuntimeError for what is no document of OSS, and what `requests` raises.
        """
        try:
            content = self._whole() if most is None else self._up_to(most)
        except BaseException:
            self._response.close()  # else the connection would stay open until somebody looks
            raise
        if most is not None:
            self._response.close()
        return content

    def _whole(self) -> bytes:
        content = self._up_to(MOST_OCTETS + 1)
        if len(content) > MOST_OCTETS:
            raise TooLong
        # OSS writes none, and entities are how a small document grows without end.
        if b"<!DOCTYPE" in content.replace(b"\0", b""):
            raise RuntimeError("the document has a type of its own")
        return content

    def _up_to(self, most: int) -> bytes:
        return octets_of(self._response, most, LONGEST)


class BoundedSession:
    """A session of oss2 whose replies have bounds."""

    def __init__(self, session: Asking) -> None:
        self._session = session

    def do_request(self, request: object, timeout: object) -> BoundedReply:
        """Return the reply when its head has come. Raises what the session raises."""
        return BoundedReply(self._session.do_request(request, timeout))


def octets_of(response: requests.Response, most: int, longest: float) -> bytes:
    """Return the reply, unpacked, or so many octets of it, within so many seconds.

    The errors are those of `requests`.
    """
    content, until = bytearray(), time.monotonic() + longest
    # As it comes in: a reader that waits for whole blocks cannot look at the clock.
    while len(content) < most and (part := _next(response)):
        content += part
        if time.monotonic() > until:
            raise requests.exceptions.ReadTimeout("the document does not come to its end")
    return bytes(content[:most])


def _next(response: requests.Response) -> bytes:
    """Return what comes next, and nothing at the end."""
    try:
        return response.raw.read1(_AT_ONCE, decode_content=True) or b""
    except ProtocolError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error
    except DecodeError as error:
        raise requests.exceptions.ContentDecodingError(error) from error
    except SSLError as error:
        raise requests.exceptions.SSLError(error) from error
    except HTTPError as error:
        raise requests.exceptions.ConnectionError(error) from error
