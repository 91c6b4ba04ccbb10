"""Vantage points: kill -9 of worker, broker and coordinator in each state that they can be in."""

import asyncio
import re
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from monitor.demo.habits import dead, honest
from tests.chaos.fault import Fault, Outcome
from tests.chaos.fleet import VANTAGE, Fleet, open_fleet, open_pair
from tests.chaos.looks import total
from tests.chaos.pager import slowly
from tests.chaos.scene import Scene, clock

FAR = ("one", "two")
_IN_TIME = 15.0  # seconds in which a standby takes over (docs/scaling.md)
_STOPPED_FOR = 20.0
_ACK = re.compile(rb"PUB \$JS\.ACK\.\S+ +0\r\n")  # with a payload, it says that work goes on
_BRIEFLY, _LONG = 2.0, 15.0  # seconds: less, and more, than it takes for a vantage to be lost


async def _worker_at_rest(folder: Path) -> Outcome:
    async with open_fleet(folder, FAR) as fleet:
        with fleet.scene.fault():
            await fleet.worker.kill()
            await _until_lost(fleet)
            await fleet.worker.start(fleet.broker.url)
        return await fleet.scene.judged("the vantage was lost, and nobody was paged for it")


async def _worker_in_a_batch(folder: Path) -> Outcome:
    async with open_fleet(folder, FAR) as fleet:
        scene = fleet.scene
        await fleet.other.start(fleet.broker.url)
        await _until_workers(fleet, 2)
        with scene.fault():
            scene.world.caches["one"].habit = dead()  # so that a batch lasts
            await asyncio.sleep(1)
            scene.lead_astray("www")
            await fleet.worker.kill()
            scene.world.caches["one"].habit = honest()
        await scene.until_paged("www")
        scene.mend("www")
        return await scene.judged("another worker took its batch over")


async def _worker_before_its_ack(folder: Path) -> Outcome:
    async with open_fleet(folder, FAR) as fleet:
        scene, dropped = fleet.scene, asyncio.Event()

        def sees(part: bytes) -> bool:
            if _ACK.search(part) and not dropped.is_set():
                fleet.worker.signal(signal.SIGKILL)
                dropped.set()
            return not dropped.is_set()

        await fleet.other.start(fleet.broker.url)
        await _until_workers(fleet, 2)
        with scene.fault():
            fleet.tap.sees = sees
            async with asyncio.timeout(30):
                await dropped.wait()
        late = await _refused(scene, "late")

        async def is_done_again() -> bool:
            return await _refused(scene, "late") > late

        await scene.until(is_done_again, patience=30)
        return await scene.judged("the batch was done twice, and the second time dropped as late")


async def _worker_stopped(folder: Path) -> Outcome:
    async with open_fleet(folder, FAR) as fleet:
        with fleet.scene.fault():
            fleet.worker.signal(signal.SIGSTOP)
            await _until_lost(fleet)
            await asyncio.sleep(_STOPPED_FOR / 2)
            fleet.worker.signal(signal.SIGCONT)
        late = await _refused(fleet.scene, "late")
        return await fleet.scene.judged(f"{late:.0f} results came late, and were dropped")


def _broker_away(seconds: float, *, is_emptied: bool) -> Callable[[Path], Awaitable[Outcome]]:
    async def run(folder: Path) -> Outcome:
        async with open_fleet(folder, FAR) as fleet:
            scene, empty = fleet.scene, folder / "empty"
            with scene.fault():
                await fleet.broker.kill()
                scene.lead_astray("www")
                await asyncio.sleep(seconds)
                await fleet.broker.start(empty if is_emptied else fleet.data)
            await scene.until_paged("www")
            scene.mend("www")
            outcome = await scene.judged()
            events = [event["event"] for event in scene.runner.events]
            away, back = events.count("broker.away"), events.count("broker.back")
            assert away == back <= 2, f"said {away} times that it is away, {back} that it is back"
            return outcome

    return run


async def _leader_with_a_page_on_its_way(folder: Path) -> Outcome:
    async with open_pair(folder) as pair:
        scene, leader = pair.scene, pair.scene.runner
        with scene.fault():
            scene.pager.reaction = slowly
            scene.lead_astray("www", "img")
            await scene.until_handed()
            await asyncio.sleep(0.5)
            await leader.kill()
            pair.succeed()

        async def leads() -> bool:  # the former leader's words are among them
            return [e["event"] for e in pair.standby.events].count("lease.taken") == 2

        await scene.until(leads)
        taken_after = clock() - scene.lifted
        assert taken_after < _IN_TIME, f"taken over after {taken_after:.1f} s"
        await scene.until_paged("www")
        await scene.until_paged("img")
        scene.mend("www", "img")
        outcome = await scene.judged(f"taken over after {taken_after:.1f} s; ")
        again = scene.pager.handed_again
        assert again <= 1, f"{again} messages came again"
        remark = f"{outcome.remark}{again} message came again, by the same key"
        return replace(outcome, remark=remark)


async def _standby_killed(folder: Path) -> Outcome:
    async with open_pair(folder) as pair:
        scene = pair.scene
        with scene.fault():
            await pair.standby.kill()
            scene.lead_astray("www")
            await scene.until_paged("www")
            scene.mend("www")
            said = len(pair.standby.events)
            await pair.standby.start()

            async def stands_by() -> bool:
                return any(e["event"] == "lease.standby" for e in pair.standby.events[said:])

            await scene.until(stands_by)
        return await scene.judged("the leader did not mind")


async def _until_lost(fleet: Fleet) -> None:
    await _until_workers(fleet, 0)


async def _until_workers(fleet: Fleet, count: int) -> None:
    async def are_heard() -> bool:
        metric = "oss_cname_vantage_workers"
        return await total(fleet.scene.runner, metric, vantage=VANTAGE) == count

    await fleet.scene.until(are_heard)


async def _refused(scene: Scene, reason: str) -> float:
    metric = "oss_cname_vantage_refused_total"
    return await total(scene.runner, metric, vantage=VANTAGE, reason=reason)


FAULTS = (
    Fault(
        "vantages: worker killed",
        "kill -9 of the only one; it is started again later",
        _worker_at_rest,
    ),
    Fault(
        "vantages: worker killed in a batch",
        "kill -9 while it waits for answers",
        _worker_in_a_batch,
    ),
    Fault(
        "vantages: worker killed before its ack",
        "kill -9 after its results were sent, and before it let go of the batch",
        _worker_before_its_ack,
    ),
    Fault(
        "vantages: worker stopped",
        f"SIGSTOP for {_STOPPED_FOR:.0f} s, and on it goes",
        _worker_stopped,
    ),
    Fault(
        "vantages: broker killed for a moment",
        f"kill -9 while sweeps are under way, back after {_BRIEFLY:.0f} s",
        _broker_away(_BRIEFLY, is_emptied=False),
    ),
    Fault(
        "vantages: broker killed for long",
        f"kill -9, back after {_LONG:.0f} s",
        _broker_away(_LONG, is_emptied=False),
    ),
    Fault(
        "vantages: broker loses its store",
        f"kill -9, back after {_BRIEFLY:.0f} s on an empty directory",
        _broker_away(_BRIEFLY, is_emptied=True),
    ),
    Fault(
        "vantages: leader killed",
        "kill -9 while pages are on their way; the standby takes over",
        _leader_with_a_page_on_its_way,
    ),
    Fault("vantages: standby killed", "kill -9 of who does not lead", _standby_killed),
)
