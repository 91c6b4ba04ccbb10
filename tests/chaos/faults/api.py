"""The OSS API as the inventory: refuses, hangs, and says what makes no sense."""

import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from monitor.demo.oss_state import ACCOUNT, FaultKind
from monitor.demo.oss_state import Fault as OssFault
from tests.chaos.door import (
    Door,
    Says,
    by_drops,
    document,
    half,
    never,
    open_door,
    without_end,
)
from tests.chaos.fault import Fault, Outcome
from tests.chaos.looks import newest_answers, peak_memory, total
from tests.chaos.scene import Scene, clock, open_scene
from tests.chaos.world import BUCKET
from tests.servers.endpoints import Endpoint

ERRORS = "oss_cname_inventory_errors_total"
SUCCESS = "oss_cname_inventory_last_success_timestamp_seconds"


def often(text: str) -> str:
    """Have the account looked at each second, and given up soon."""
    return text.replace('refresh = "2s"', 'refresh = "1s"\ntimeout = "1s"\nattempts = 2')


@asynccontextmanager
async def behind_a_door(
    folder: Path, database: str = "", change: Callable[[str], str] = str
) -> AsyncIterator[tuple[Scene, Door]]:
    """Run a scene whose daemon looks at OSS through a door."""
    async with open_door() as door:

        def through_it(text: str) -> str:
            found = re.search(r'endpoint = "http://([\d.]+):(\d+)"', text)
            assert found is not None
            door.behind = Endpoint(found[1], int(found[2]))
            return often(text.replace(found[0], f'endpoint = "http://{door.at}"'))

        async with open_scene(
            folder, database=database, change=lambda text: change(through_it(text))
        ) as scene:
            yield scene, door


async def _unread(scene: Scene, reason: str, spoil: Callable[[], None], looks: int = 2) -> None:
    """Spoil the API, and return when so many looks have failed, and all else went on."""
    runner = scene.runner
    errors = partial(total, runner, ERRORS, account="shop", reason=reason)
    before, said, answers = await errors(), len(runner.events), await newest_answers(scene)
    spoil()

    async def have_failed() -> bool:
        return await errors() >= before + looks

    await scene.until(have_failed)
    read_at = await total(runner, SUCCESS, account="shop")

    async def has_failed_again() -> bool:
        return await errors() > before + looks

    await scene.until(has_failed_again)
    assert await total(runner, SUCCESS, account="shop") == read_at, "it counts as read"
    later = await newest_answers(scene)
    assert later.keys() == set(scene.world.domains), "a domain is gone"
    assert all(later[name] > at for name, at in answers.items()), "a domain is no longer asked"
    told = [event for event in runner.events[said:] if event["event"] == "inventory.unreadable"]
    assert len(told) == 1, f"said {len(told)} times that it cannot be read"


async def _with_a_true_trouble(scene: Scene) -> None:
    """Break and mend a domain: what is known is watched meanwhile as always."""
    scene.lead_astray("www")
    await scene.until_paged("www")
    scene.mend("www")


def _refusing(place: str, kind: FaultKind, reason: str) -> Callable[[Path], Awaitable[Outcome]]:
    async def run(folder: Path) -> Outcome:
        async with open_scene(folder, change=often) as scene:
            faults = scene.world.account.faults
            with scene.fault():
                await _unread(scene, reason, lambda: faults.update({place: OssFault(kind)}))
                await _with_a_true_trouble(scene)
                faults.clear()
            await scene.until_logged("inventory.readable")
            return await scene.judged()

    return run


def _saying(said: Mapping[str, Says], reason: str) -> Callable[[Path], Awaitable[Outcome]]:
    async def run(folder: Path) -> Outcome:
        async with behind_a_door(folder) as (scene, door):
            before = peak_memory(scene.runner)
            with scene.fault():
                for name, says in said.items():
                    try:
                        await _unread(scene, reason, partial(setattr, door, "says", says))
                    except AssertionError as error:
                        raise AssertionError(f"{name}: {error}") from error
                    door.says = None
                    readable = partial(_is_readable_since, scene, len(scene.runner.events))
                    await scene.until(readable)
            grown = peak_memory(scene.runner) - before
            return await scene.judged(f"{', '.join(said)}: memory grew by {grown:.0f} MiB at most")

    return run


async def _is_readable_since(scene: Scene, events: int) -> bool:
    return any(e["event"] == "inventory.readable" for e in scene.runner.events[events:])


_LISTING = b"<ListAllMyBucketsResult><Owner><ID>1</ID></Owner><Buckets>" + b" " * 500
_ENTITIES = b"".join(
    b'<!ENTITY %c "%s">' % (name + 1, b"&%c;" % name * 10) for name in range(ord("a"), ord("j"))
)
_BOMB = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "%s">%s]><r>&j;</r>' % (
    b"a" * 99,
    _ENTITIES,
)

NONSENSE: Mapping[str, Says] = {
    "a sign-in page": document(b"<html><body><form>password</form></body></html>"),
    "nothing": document(b""),
    "another call's reply": document(b"<CnameToken><Bucket>b</Bucket></CnameToken>"),
    "an unfinished document": document(_LISTING),
    "an entity bomb": document(_BOMB),
    "octets": document(bytes(range(256)) * 1000),
    "a very deep document": document(b"<a>" * 200_000),
    "a document without end": without_end,
}


async def _by_drops(folder: Path) -> Outcome:
    async with behind_a_door(folder) as (scene, door):
        with scene.fault():
            door.says = by_drops
            before = await newest_answers(scene)
            await _with_a_true_trouble(scene)
            later = await newest_answers(scene)
            assert all(later[name] > at for name, at in before.items()), "a domain is not asked"
            assert door.turned_away, "nobody asked"
            began = clock()
            code = await scene.runner.end(signal.SIGTERM)
            ended = clock() - began
            assert (code, ended < 10) == (0, True), f"it took {ended:.0f} s to end, with {code}"
            door.says = None
            await scene.runner.start()
        return await scene.judged(f"while a call hung, it ended in {ended:.1f} s")


async def _truly_empty(folder: Path) -> Outcome:
    async with open_scene(folder, change=often) as scene:
        bucket = scene.world.account.bucket(BUCKET)
        assert bucket is not None
        bound = list(bucket.cnames)
        with scene.fault():
            bucket.cnames.clear()

            async def are_gone() -> bool:
                return not await newest_answers(scene)

            await scene.until(are_gone)
            bucket.cnames[:] = bound
        return await scene.judged("OSS is believed: they are watched no more, and nobody is paged")


FAULTS = (
    Fault(
        "api: 403 for the account",
        "the key may no longer list buckets",
        _refusing(ACCOUNT, FaultKind.DENIED, "denied"),
    ),
    Fault(
        "api: 403 for every bucket",
        "the key may list buckets, but no longer their domains",
        _refusing(BUCKET, FaultKind.DENIED, "denied"),
    ),
    Fault(
        "api: 500",
        "every call is an error of the server",
        _refusing(ACCOUNT, FaultKind.SERVER_ERROR, "server_error"),
    ),
    Fault(
        "api: throttled",
        "every call is refused with the code for too many",
        _refusing(ACCOUNT, FaultKind.THROTTLED, "throttled"),
    ),
    Fault(
        "api: hanging",
        "calls are taken and not answered, or their answer breaks off",
        _saying({"silence": never, "half": half(_LISTING)}, "unreachable"),
    ),
    Fault(
        "api: drop by drop",
        "an octet now and then, for ever; the daemon is told to end meanwhile",
        _by_drops,
    ),
    Fault(
        "api: nonsense",
        "what is no listing, is made to burst, or has no end",
        _saying(NONSENSE, "malformed"),
    ),
    Fault(
        "api: nothing bound",
        "the bucket has no domains any more, by an answer that is right; then it has them again",
        _truly_empty,
    ),
)
