"""Datagrams between the daemon and its name servers that are lost, late, doubled, overtaken."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from tests.chaos.detours import Detours
from tests.chaos.fault import Fault, Outcome
from tests.chaos.playing import History, Play, played
from tests.chaos.weather import Weather

_LOSS = Weather(loss=0.3)
_DELAY = Weather(delay=1.0)
_REORDERING = Weather(reordering=0.5)
_DUPLICATION = Weather(duplication=1.0)
_ALL = Weather(loss=0.3, delay=1.0, reordering=0.5, duplication=0.5)


async def _play(folder: Path, weather: Weather, history: History = History.SEEN) -> Outcome:
    async with Detours(authorities=True) as detours:

        @asynccontextmanager
        async def storm() -> AsyncIterator[None]:
            for relay in detours.all:
                relay.weather = weather
            yield
            for relay in detours.all:
                relay.calm()

        play = Play(detours.change, storm, history=history)
        return await played(folder, play)


def _fault(name: str, about: str, weather: Weather, history: History = History.SEEN) -> Fault:
    about = f"{about} on the way to every resolver and authority, and back"
    return Fault(f"network: {name}", about, partial(_play, weather=weather, history=history))


FAULTS = (
    _fault("loss", "30 % of the datagrams are lost", _LOSS),
    _fault("delay", "a second is lost", _DELAY, History.UNSEEN),
    _fault("reordering", "half of the datagrams are overtaken by others", _REORDERING),
    _fault("duplication", "each datagram arrives twice", _DUPLICATION),
    _fault("all at once", "loss, delay, reordering and doubles", _ALL, History.UNSEEN),
)
