"""Ways round: the daemon asks its name servers through relays, which may turn bad."""

import re
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from random import Random
from typing import Self

from monitor.demo.landscape import Place
from monitor.demo.ports import free_port
from tests.chaos.relay import Relay
from tests.chaos.world import AT, RESOLVERS

ROUND = 3.0  # seconds
# A sweep takes four fifths of a round, and all attempts at its last question less than the rest,
# as with a real daemon: otherwise one silent resolver would delay the next round for all.
_CALMER = {
    "authority_interval": '"1s"',
    "authority_fast_interval": '"1s"',
    "recursive_interval": f'"{ROUND:g}s"',
    "timeout": '"0.25s"',
}
_CACHE = re.compile(rf'(?<=name = ")(\w+)("\naddress = "{AT}"\nport = )(\d+)')
_AUTHORITIES = re.compile(r"^servers = .*$", re.MULTILINE)
_PORT = re.compile(rf'(?<="{AT}:)(\d+)(?=")')


def calmer(text: str) -> str:
    """Return the configuration with rounds further apart."""
    for key, value in _CALMER.items():
        text = re.sub(rf"^{key} = .*$", f"{key} = {value}", text, flags=re.MULTILINE)
    return text


def caches_in(text: str) -> Mapping[str, Place]:
    """Return where the resolvers of a configuration are."""
    return {name: Place(AT, int(port)) for name, _, port in _CACHE.findall(text)}


class Detours:
    """Relays before the resolvers, and before the authorities where that is wanted too.

    `change` and `stand_between` are for `open_scene`: from then on the relays know their servers.
    """

    def __init__(self, *, authorities: bool = False) -> None:
        self.resolvers = {name: _relay() for name in RESOLVERS}
        self.authorities = (_relay(), _relay()) if authorities else ()
        self._open = AsyncExitStack()

    @property
    def all(self) -> Iterable[Relay]:
        return (*self.resolvers.values(), *self.authorities)

    async def __aenter__(self) -> Self:
        for relay in self.all:
            await self._open.enter_async_context(relay)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def change(self, text: str) -> str:
        """Return the configuration with rounds further apart, and with the relays in it."""
        return self.stand_between(calmer(text))

    def stand_between(self, text: str) -> str:
        """Return the configuration with the relays in the places of whom they stand before."""
        for name, place in caches_in(text).items():
            self.resolvers[name].stand_before(place)
        text = _CACHE.sub(lambda found: self._cache(found[1], found[2]), text)
        waiting = list(self.authorities)
        return _AUTHORITIES.sub(
            lambda line: _PORT.sub(lambda port: _instead(port[1], waiting), line[0]), text
        )

    def _cache(self, name: str, between: str) -> str:
        return f"{name}{between}{self.resolvers[name].place.port}"


def _relay() -> Relay:
    return Relay(Place(AT, free_port([AT])), Random(1))


def _instead(port: str, waiting: list[Relay]) -> str:
    """Return the port of the next relay, which stands before this one from now on."""
    if not waiting:
        return port
    relay = waiting.pop(0)
    relay.stand_before(Place(AT, int(port)))
    return str(relay.place.port)
