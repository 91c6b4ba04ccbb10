"""One message to an HTTPS server and what it answers (RFC 8484), of which not all is read."""

import ssl
from dataclasses import dataclass

import httpx2

from monitor.adapters.resolvers.datagrams import Garbled

_LONGEST_MESSAGE = 65535  # octets; no transport takes a longer one (RFC 8484 §6)
_MESSAGE = "application/dns-message"
_HEADERS = {"accept": _MESSAGE, "accept-encoding": "identity", "content-type": _MESSAGE}


@dataclass(frozen=True, slots=True)
class Page:
    """A URL, the address that is called for it, and the name that its certificate must carry."""

    url: str
    address: str
    port: int
    name: str
    context: ssl.SSLContext


async def post(query: bytes, page: Page) -> bytes:
    """Return the message that the page gives for a query; the caller bounds the time.

    Redirects and proxies are not followed, and a body is read only as far as a message can reach:
    dnspython reads all that is sent. Raises Garbled, OSError, and ValueError for a status that is
    no success.
    """
    named = httpx2.URL(page.url)
    called = named.copy_with(host=page.address, port=page.port)
    host = named.copy_with(host=page.name, port=page.port).netloc.decode("ascii")
    client = httpx2.AsyncClient(
        http2=True, verify=page.context, trust_env=False, follow_redirects=False, timeout=None
    )
    posted = client.stream(
        "POST",
        called,
        content=query,
        headers={**_HEADERS, "host": host},
        extensions={"sni_hostname": page.name},
    )
    try:
        async with client, posted as response:
            if not response.is_success:
                raise ValueError(f"{page.url} responded with status code {response.status_code}")
            return await _body(response)
    except httpx2.HTTPError as error:
        raise ConnectionError(str(error) or type(error).__name__) from error


async def _body(response: httpx2.Response) -> bytes:
    body = b""
    async for octets in response.aiter_raw():
        body += octets
        if len(body) > _LONGEST_MESSAGE:
            raise Garbled("the response is longer than any message")
    return body
