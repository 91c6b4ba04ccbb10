"""Replies of which no more is read than a call can bring, whoever answers at the endpoint."""

from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import BaseAdapter

# Octets, unpacked. A page of a thousand buckets has less than one million.
MOST_READ = 16_000_000


class TooLong(ValueError):
    """A reply is longer than any of its call."""


class Bounded(BaseAdapter):
    """An adapter as it is, but for the length of what it brings."""

    def __init__(self, inner: BaseAdapter) -> None:
        super().__init__()
        self._inner = inner

    def send(  # type: ignore[override]  # everything but the request is handed on
        self, request: requests.PreparedRequest, **how: Any
    ) -> requests.Response:
        response = self._inner.send(request, **how)
        response.raw = _Counted(response.raw)
        return response

    def close(self) -> None:
        self._inner.close()


class _Counted:
    """What requests needs of the octets on their way."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def stream(self, size: int, decode_content: bool | None = None) -> Iterator[bytes]:  # noqa: FBT001 - urllib3 has it so
        """Yield the octets. Raises TooLong."""
        left = MOST_READ
        for part in self._raw.stream(size, decode_content=decode_content):
            left -= len(part)
            if left < 0:
                self.close()  # nobody reads the rest, however much it is
                raise TooLong
            yield part

    def close(self) -> None:
        self._raw.close()

    def release_conn(self) -> None:
        self._raw.release_conn()
