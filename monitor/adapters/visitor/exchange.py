"""One request over plain HTTP to one address, as little of the response read as is needed.

No proxy, no redirect, no name lookup: the address that was checked is the one that is asked.
"""

import asyncio
import re
from collections.abc import AsyncIterator

import h11

from monitor import __version__
from monitor.core.serving import HttpAnswer

LARGEST_HEAD = 16 * 1024  # octets, of the status line and all headers
LARGEST_BODY = 8 * 1024  # octets of an error document that are read: those of OSS are below 1 KB
_CHUNK = 4 * 1024
_MOST = 64 * 1024  # octets in all, whatever they are
_REFUSAL = 400  # from this status on there is an error document

_PLAIN = re.compile(r"[\x21-\x7e]{1,100}")
_ELEMENTS = {
    name: re.compile(rf"<{name}>([A-Za-z0-9._-]{{1,100}})</{name}>".encode())
    for name in ("Code", "EC")
}


class NotHttp(Exception):
    """What came back is no HTTP response, or none that may be read to its end."""


async def get(address: str, port: int, host: str) -> HttpAnswer:
    """Return what is served for the host. Raises OSError or NotHttp; who calls it limits time."""
    reader, writer = await asyncio.open_connection(address, port, limit=_CHUNK)
    try:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)
        writer.write(_request(connection, host))
        return await _answer(_events(connection, reader))
    except h11.RemoteProtocolError as error:
        raise NotHttp(type(error).__name__) from error
    finally:
        writer.transport.abort()  # nobody reads the rest, however much it is


def _request(connection: h11.Connection, host: str) -> bytes:
    headers = [
        ("Host", host),
        ("User-Agent", f"oss-cname-monitor/{__version__}"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]
    request = h11.Request(method="GET", target="/", headers=headers)
    return (connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b"")


async def _events(
    connection: h11.Connection, reader: asyncio.StreamReader
) -> AsyncIterator[h11.Event]:
    """Yield what the server sends, to the end of its response."""
    read = 0
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(_CHUNK)
            read += len(data)
            if read > _MOST:
                raise NotHttp("too much")
            connection.receive_data(data)
        elif isinstance(event, h11.EndOfMessage) or event is h11.PAUSED:
            return
        elif isinstance(event, h11.ConnectionClosed):
            raise NotHttp("the connection was closed before a response")
        elif isinstance(event, h11.Event):
            yield event


async def _answer(events: AsyncIterator[h11.Event]) -> HttpAnswer:
    head, body = None, b""
    async for event in events:
        match event:
            case h11.Response():
                head = event
                if head.status_code < _REFUSAL:
                    break
            case h11.Data():
                body += bytes(event.data)
                if len(body) >= LARGEST_BODY:
                    break
            case _:
                pass  # an informational response, RFC 9110 §15.2
    if head is None:
        raise NotHttp("no response")
    return _read(head, body[:LARGEST_BODY])


def _read(head: h11.Response, body: bytes) -> HttpAnswer:
    headers = {name: _plain(value) for name, value in head.headers}
    return HttpAnswer(
        status=head.status_code,
        server=headers.get(b"server", ""),
        request_id=headers.get(b"x-oss-request-id", ""),
        code=_element("Code", body),
        ec=headers.get(b"x-oss-ec", "") or _element("EC", body),
    )


def _element(name: str, document: bytes) -> str:
    """Return an element's text; found by its tags, since the document may be cut off."""
    found = _ELEMENTS[name].search(document)
    return found[1].decode("ascii") if found else ""


def _plain(value: bytes) -> str:
    # It ends up in logs and on terminals, where control characters would act.
    text = value.decode("latin-1")
    return text if _PLAIN.fullmatch(text) else ""
