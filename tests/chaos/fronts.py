"""Resolvers that are asked over TLS, HTTPS or QUIC, beside those that are asked in the open."""

import ssl
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Self

from monitor.demo.landscape import Place
from monitor.demo.ports import free_port
from tests.chaos.detours import caches_in, calmer
from tests.chaos.https_moods import Moods
from tests.chaos.quic import Manner, quic_server
from tests.chaos.relay import Relay
from tests.chaos.streams import Mood, Streams, passing_on_to, secured, silent
from tests.chaos.world import AT
from tests.servers.certificates import Certificate, issue

_RESOLVER = """\
[[resolvers]]
name = "secret"
address = "{url}"
ca_file = "{ca_file}"
group = "chaos"
max_qps = 1000
"""


class SecretStreams:
    """A resolver over TLS, or over HTTPS, that asks one in the open; its `mood` may change.

    `change` is for `open_scene`: `moods` of HTTPS and `honest` are known from then on.
    """

    def __init__(self, folder: Path, scheme: str, path: str = "") -> None:
        self.certificate = issue(folder)
        self.streams = Streams(Place(AT, free_port([AT])), silent)
        self.moods = Moods(self.streams.place)
        self._url = f"{scheme}://{AT}:{self.streams.place.port}{path}"
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(self.certificate.chain_file, self.certificate.key_file)

    def change(self, text: str) -> str:
        """Return the configuration with this resolver beside the others."""
        server = _first_cache(text)
        self.moods = Moods(server)
        is_https = self._url.startswith("https")
        self.honest = self.moods.honest if is_https else passing_on_to(server)
        self.streams.mood = self.secured(self.honest)
        return _with_resolver(text, self._url, self.certificate)

    def secured(self, mood: Mood) -> Mood:
        """Have the mood behind a handshake."""
        return secured(self._context, mood)


class SecretQuic:
    """A resolver over QUIC that asks one in the open.

    Its `manner` may change, and its `relay` lose datagrams.
    """

    def __init__(self, folder: Path) -> None:
        self.certificate = issue(folder)
        self.relay = Relay(Place(AT, free_port([AT])), Random(1))
        self._place = Place(AT, free_port([AT]))
        self.manner = Manner(self._place)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(
            quic_server(self._place, self.certificate, self.manner)
        )
        await self._open.enter_async_context(self.relay)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def change(self, text: str) -> str:
        """Return the configuration with this resolver beside the others."""
        self.manner.server = _first_cache(text)
        self.relay.stand_before(self._place)
        return _with_resolver(text, f"quic://{AT}:{self.relay.place.port}", self.certificate)


def _first_cache(text: str) -> Place:
    return next(iter(caches_in(text).values()))


def _with_resolver(text: str, url: str, certificate: Certificate) -> str:
    return f"{calmer(text)}\n{_RESOLVER.format(url=url, ca_file=certificate.ca_file)}"
