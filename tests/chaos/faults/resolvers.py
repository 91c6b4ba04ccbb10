"""A resolver that answers nonsense, floods, stalls, or dies, beside others that behave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random

from tests.chaos.detours import Detours
from tests.chaos.fault import Fault, Outcome
from tests.chaos.fronts import SecretQuic, SecretStreams
from tests.chaos.garbage import any_of_it, cut_off, instead, mutated
from tests.chaos.https_moods import Moods
from tests.chaos.playing import History, Play, played
from tests.chaos.relay import Relay, Twist
from tests.chaos.streams import Mood, dripping_from, in_turn, leaving, silent, stalling_handshake
from tests.chaos.weather import Weather
from tests.chaos.world import RESOLVERS

_BAD = "two"
_NOT_BEHIND = RESOLVERS[1:]  # those whom nobody asks for the one that is asked in secret
_STRAYS_A_SECOND = 30_000
_FLOOD_LASTS = 6.0  # seconds
_WHILE = 3.0  # seconds that a resolver is dead, and alive in between

HttpsMood = Callable[[Moods, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Badly = Callable[[Relay], AbstractAsyncContextManager[None]]


async def _in_the_open(
    folder: Path,
    badly: Badly,
    bad: Collection[str] = (_BAD,),
    history: History = History.SEEN,
) -> Outcome:
    """Have resolvers that are asked over UDP behave badly."""
    async with Detours() as detours:

        @asynccontextmanager
        async def misbehave() -> AsyncIterator[None]:
            async with AsyncExitStack() as stack:
                for name in bad:
                    await stack.enter_async_context(badly(detours.resolvers[name]))
                yield

        spared = tuple(name for name in RESOLVERS if name not in bad)
        return await played(folder, Play(detours.change, misbehave, spared, history))


def _answering(twist: Twist, over_tcp: Callable[[Relay], Mood] | None = None) -> Badly:
    @asynccontextmanager
    async def badly(relay: Relay) -> AsyncIterator[None]:
        relay.twist = twist
        if over_tcp is not None:
            relay.streams.mood = over_tcp(relay)
        yield
        relay.calm()

    return badly


def _slowly(relay: Relay) -> Mood:
    return in_turn((dripping_from(relay.server), silent))


@asynccontextmanager
async def _flooding(relay: Relay) -> AsyncIterator[None]:
    flood = asyncio.ensure_future(relay.flood(_STRAYS_A_SECOND, _FLOOD_LASTS))
    yield
    await flood


@asynccontextmanager
async def _dying(relay: Relay) -> AsyncIterator[None]:
    async def die_and_come_back() -> None:
        while True:
            await relay.close()
            await asyncio.sleep(_WHILE)
            await relay.open()
            await asyncio.sleep(_WHILE)

    dying = asyncio.ensure_future(die_and_come_back())
    yield
    dying.cancel()
    await relay.close()
    await relay.open()


def _over_tls(*moods: Mood) -> Callable[[Path], Awaitable[Outcome]]:
    """Have a resolver over TLS treat connections by these in turn."""

    async def run(folder: Path) -> Outcome:
        secret = SecretStreams(folder, "tls")
        return await _in_secret(folder, secret, in_turn(moods))

    return run


def _over_https(*moods: HttpsMood) -> Callable[[Path], Awaitable[Outcome]]:
    """Have a resolver over HTTPS treat connections by these in turn."""

    async def run(folder: Path) -> Outcome:
        secret = SecretStreams(folder, "https", "/dns-query")

        async def mood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await next(row)(secret.moods, reader, writer)

        row = cycle(moods)
        return await _in_secret(folder, secret, secret.secured(mood))

    return run


async def _in_secret(folder: Path, secret: SecretStreams, mood: Mood) -> Outcome:
    @asynccontextmanager
    async def misbehave() -> AsyncIterator[None]:
        honest, secret.streams.mood = secret.streams.mood, mood
        yield
        secret.streams.mood = honest

    async with secret.streams:
        return await played(folder, Play(secret.change, misbehave, spared=_NOT_BEHIND))


async def _over_quic(folder: Path) -> Outcome:
    async with SecretQuic(folder) as secret:

        @asynccontextmanager
        async def misbehave() -> AsyncIterator[None]:
            secret.manner.answers = False
            deaf = asyncio.get_running_loop().call_later(_WHILE, _turn_deaf, secret.relay)
            yield
            deaf.cancel()
            secret.manner.answers = True
            secret.relay.calm()

        return await played(folder, Play(secret.change, misbehave, spared=_NOT_BEHIND))


def _turn_deaf(relay: Relay) -> None:
    relay.weather = Weather(loss=1.0)


def _nonsense() -> Twist:
    return any_of_it(Random(2))


FAULTS = (
    Fault(
        "resolver: nonsense",
        "one answers random octets, torn messages, wrong ids, wrong questions, names that loop",
        partial(_in_the_open, badly=_answering(_nonsense())),
    ),
    Fault(
        "resolver: nonsense from all",
        "all answer such things, while a domain breaks that is mended only afterwards",
        partial(
            _in_the_open, badly=_answering(_nonsense()), bad=RESOLVERS, history=History.UNSEEN
        ),
    ),
    Fault(
        "resolver: mutated answers",
        "one answers the truth with some bits turned",
        partial(_in_the_open, badly=_answering(instead(mutated, Random(3)))),
    ),
    Fault(
        "resolver: flood",
        f"one sends {_STRAYS_A_SECOND} datagrams a second besides its answers",
        partial(_in_the_open, badly=_flooding),
    ),
    Fault(
        "resolver: slow TCP",
        "one sends everybody to TCP, and there says an octet a second, or nothing, in turn",
        partial(_in_the_open, badly=_answering(instead(cut_off, Random(4)), _slowly)),
    ),
    Fault(
        "resolver: dies",
        "one is gone for three seconds, back for three, and gone again",
        partial(_in_the_open, badly=_dying),
    ),
    Fault(
        "resolver: half-open TLS",
        "one over TLS accepts and is silent, stalls in the handshake, or hangs up in it",
        _over_tls(silent, stalling_handshake, leaving),
    ),
    Fault(
        "resolver: HTTPS fails",
        "one over HTTPS answers 503, or a page of HTML, or a redirect to itself",
        _over_https(Moods.failing, Moods.of_another_kind, Moods.going_round),
    ),
    Fault(
        "resolver: HTTPS without end",
        "one over HTTPS sends a body, a failure's body, or headers that do not end",
        _over_https(Moods.endless_body, Moods.endless_failure, Moods.endless_headers),
    ),
    Fault(
        "resolver: QUIC stalls",
        "one over QUIC takes questions and does not answer, and then not even the handshake",
        _over_quic,
    ),
)
