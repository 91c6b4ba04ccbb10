"""What happens to every domain at once, and what the monitor itself is cut off from."""

import asyncio
import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from monitor.core.events import EventType, Record
from monitor.demo.habits import dead, honest
from tests.chaos.crowd import Crowd, open_crowd
from tests.chaos.door import never
from tests.chaos.fault import Fault, Outcome
from tests.chaos.faults.api import behind_a_door
from tests.chaos.judging import Delivery, Report, notices_of
from tests.chaos.looks import cpu_time, total, written
from tests.chaos.runner import Runner
from tests.chaos.scene import Scene, clock, open_scene
from tests.servers.http_service import Resets, Says

SIZE = int(os.environ.get("CHAOS_DOMAINS", "10000"))
_PATIENCE = 1200.0  # seconds; where other work keeps the cores busy, it takes as much longer
_SLOWEST = 30.0  # seconds for the daemon to say that it lives, however busy the machine is
_MOST_KIB = 2000.0  # written to the disk for a domain that breaks and is mended
_ALONE = 10  # messages of one domain in a minute, before they are gathered (docs/notices.md)
_CUT_FOR = 10.0  # seconds


async def _unbound(folder: Path) -> Outcome:
    async with open_crowd(folder, SIZE, _PATIENCE) as crowd:
        before = Spent.by(crowd.runner)
        crowd.unbind()
        began = clock()

        async def is_gone() -> bool:
            return await crowd.having(".*") == 0

        await crowd.until(is_gone, _PATIENCE)
        gone_after = clock() - began
        crowd.bind()
        lifted = clock()
        await crowd.until_all("in_effect", _PATIENCE)
        normal_after = clock() - lifted
        remark = f"gone from pages and metrics after {gone_after:.0f} s; {_cost(crowd, before)}"
        told = _Told.by(crowd)
        log = await crowd.records()
        lost = [*told.lost_in(log), *_unlogged(crowd, log)]
    pages = [page.title for page in crowd.pager.deliveries]
    return _outcome(crowd, lost, pages, 0, normal_after, remark)


async def _broken(folder: Path) -> Outcome:
    async with open_crowd(folder, SIZE, _PATIENCE) as crowd:
        before = Spent.by(crowd.runner)
        crowd.servers.is_gone = True
        began = clock()
        await crowd.until_all("broken", _PATIENCE)
        broken_after = clock() - began
        await crowd.until_told(_PATIENCE)
        told_after = clock() - began
        crowd.servers.is_gone = False
        lifted = clock()
        await crowd.until_all("in_effect", _PATIENCE)
        normal_after = clock() - lifted
        minutes = math.ceil((clock() - began) / 60)
        told = _Told.by(crowd)
        log = await crowd.records()
        cost = _cost(crowd, before)
    pages = crowd.pager.deliveries
    notices = Counter((notice.domain, notice.reason) for notice in notices_of(log))
    first = [count for (_, reason), count in notices.items() if reason == "first"]
    lost = [*told.lost_in(log), *_unreceived(pages, log)]
    if len(first) < crowd.size:
        lost.append(f"of {crowd.size - len(first)} domains nobody was told")
    wrong = [f"{count - 1} repeated" for count in first if count > 1]
    if len(pages) > minutes * (_ALONE + 1):
        wrong.append(f"{len(pages)} messages in {minutes} minutes are no digests")
    remark = (
        f"all known as broken after {broken_after:.0f} s, told after {told_after:.0f} s, "
        f"{len(pages)} messages in all; {cost}"
    )
    return _outcome(crowd, lost, wrong, len(first), normal_after, remark)


async def _resolvers_gone(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        with scene.fault():
            for cache in scene.world.caches.values():
                cache.habit = dead()
            await _until_unknown(scene)
            await asyncio.sleep(_CUT_FOR)
            assert not await _statuses(scene, "broken"), "silence was taken for an answer"
            for cache in scene.world.caches.values():
                cache.habit = honest()
        return await scene.judged(f"all domains unknown meanwhile, for {_CUT_FOR:.0f} s")


async def _cut_off(folder: Path) -> Outcome:
    async with behind_a_door(folder) as (scene, door):
        with scene.fault():
            _cut(scene, is_cut=True)
            door.says = never
            scene.pager.reaction = lambda _: Resets()
            await _until_unknown(scene)
            await asyncio.sleep(_CUT_FOR)
            assert not await _statuses(scene, "broken"), "silence was taken for an answer"
            _cut(scene, is_cut=False)
            door.says = None
            scene.pager.reaction = lambda _: Says()
        return await scene.judged(f"all domains unknown meanwhile, for {_CUT_FOR:.0f} s")


def _cut(scene: Scene, *, is_cut: bool) -> None:
    for authority in scene.world.authorities:
        authority.is_reachable = not is_cut
    for cache in scene.world.caches.values():
        cache.habit = dead() if is_cut else honest()


async def _until_unknown(scene: Scene) -> None:
    async def are_unknown() -> bool:
        return await _statuses(scene, "unknown") == len(scene.world.domains)

    await scene.until(are_unknown)


async def _statuses(scene: Scene, status: str) -> int:
    return int(await total(scene.runner, "oss_cname_domain_status", status=status))


@dataclass(frozen=True, slots=True)
class Spent:
    """What a daemon has needed so far: seconds of CPU, and MiB written to disks."""

    cpu: float
    mib: float

    @classmethod
    def by(cls, runner: Runner) -> Self:
        return cls(cpu_time(runner), written(runner))


def _cost(crowd: Crowd, before: Spent) -> str:
    after = Spent.by(crowd.runner)
    kib = (after.mib - before.mib) * 1024 / crowd.size
    milliseconds = (after.cpu - before.cpu) * 1000 / crowd.size
    assert kib < _MOST_KIB, f"{kib:.0f} KiB written for each domain"
    assert crowd.slowest < _SLOWEST, f"it took {crowd.slowest:.1f} s to say that it lives"
    return (
        f"{milliseconds:.1f} ms of CPU and {kib:.1f} KiB written a domain; "
        f"said that it lives within {crowd.slowest:.1f} s"
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What had been told at a time: the log must hold it from then on."""

    reports: Sequence[Report]
    pages: Sequence[Delivery]

    @classmethod
    def by(cls, crowd: Crowd) -> Self:
        return cls(tuple(crowd.runner.reports), tuple(crowd.pager.deliveries))

    def lost_in(self, log: Sequence[Record]) -> Iterator[str]:
        kinds = {record.seq: record.event.type.value for record in log}
        sent = {notice.key for notice in notices_of(log)}
        for one in self.reports:
            if kinds.get(one.seq) != one.type:
                yield f"{one.type} (record {one.seq}) is not in the log"
        for page in self.pages:
            if page.key not in sent:
                yield f"the notice {page.title!r} is not in the log"


def _unreceived(pages: Sequence[Delivery], log: Sequence[Record]) -> list[str]:
    keys = {notice.key for notice in notices_of(log)} - {page.key for page in pages}
    return [f"the notice {key} was sent by the log, and nobody received it" for key in keys]


def _unlogged(crowd: Crowd, log: Sequence[Record]) -> list[str]:
    kind = EventType.BINDING_REMOVED
    missing = crowd.size - len({one.event.domain for one in log if one.event.type is kind})
    return [f"{kind.value} of {missing} domains"] if missing else []


def _outcome(
    crowd: Crowd,
    lost: Sequence[str],
    wrong: Sequence[str],
    paged: int,
    normal_after: float,
    remark: str,
) -> Outcome:
    truth = crowd.size if paged else 0
    return Outcome(tuple(lost), paged, truth, normal_after, remark, tuple(wrong))


FAULTS = (
    Fault(
        f"mass: {SIZE} domains unbound", "OSS lists none of them any more, and then all", _unbound
    ),
    Fault(
        f"mass: {SIZE} domains broken",
        "the CNAME of every one is gone, and comes back",
        _broken,
        within=3600.0,
    ),
    Fault(
        "mass: all resolvers gone", "none answers any more; the authorities do", _resolvers_gone
    ),
    Fault(
        "mass: the monitor is cut off",
        "nobody answers any more: neither name servers, nor OSS, nor the pager",
        _cut_off,
    ),
)
