"""Break things in the embedded world, and print what every panel shows of it: `make preview`."""

import asyncio
import io
import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from monitor.demo.landscape import MODIFIED, SHOP
from monitor.demo.oss_state import ACCOUNT, Fault, FaultKind
from monitor.demo.zones import RRset
from monitor.logs import Secrets, set_up
from tests.dashboards.theatre import (
    ACT_LIMIT,
    CHANNEL,
    JOB,
    SHOWN,
    Theatre,
    open_theatre,
    planned,
)
from tests.whole.shop import eventually
from tools.dashboards.preview import About, show

WIDTH = 140
HEADING = "What the dashboards show of a break in the embedded world. Printed by `make preview`."
BROKEN = f"www.{SHOP}"
SHOWS = {"overview": BROKEN, "domain": BROKEN, "change": MODIFIED, "monitor": BROKEN}

IS_BROKEN = f'oss_cname_domain_fault{{domain="{BROKEN}",fault="not_pointing"}}'
IS_SPLIT = f'oss_cname_domain_fault{{domain="{MODIFIED}",fault="authority_split"}}'
# Some resolvers have the new value of the change, others wait for the end of their old copy.
IS_HALF_WAY = (
    f'oss_cname_propagation_ratio{{domain="{MODIFIED}"}} > 0.2'
    ' and on (domain) oss_cname_track_state{state="waiting"}'
)


async def main() -> None:
    set_up(level="critical", is_json=False, secrets=Secrets())
    logging.disable(logging.WARNING)  # at this pace a round now and then outlasts its interval
    with TemporaryDirectory() as folder:
        async with open_theatre(Path(folder), _with_channel_and_plan) as theatre:
            await eventually(theatre.is_watched, ACT_LIMIT)
            await _break(theatre)
            text = await asyncio.to_thread(_shown, theatre.prometheus.url)
    sys.stdout.write(text)


def _with_channel_and_plan(text: str) -> str:
    return text + CHANNEL + planned(f"static.{SHOP}")


async def _break(theatre: Theatre) -> None:
    """Lead one domain nowhere, cut off an account, and change the record of another half way."""
    world = theatre.shop.world
    for authority in world.authorities:
        nowhere = RRset.of(BROKEN, "CNAME", world.pace.ttl, "www.gone.example.net.")
        world.publish(authority, nowhere)
    await _until(theatre, IS_BROKEN)
    world.account.faults[ACCOUNT] = Fault(FaultKind.DENIED)
    first, second = world.authorities
    world.modify(first)
    await _until(theatre, IS_SPLIT)
    world.modify(second)
    await _until(theatre, IS_HALF_WAY)


async def _until(theatre: Theatre, expr: str) -> None:
    async def is_found() -> bool:
        return bool(await theatre.found(expr))

    await eventually(is_found, ACT_LIMIT)


def _shown(prometheus: str) -> str:
    console = Console(file=io.StringIO(), width=WIDTH)
    with console.capture() as captured:
        console.print(HEADING)
        for name, domain in SHOWS.items():
            show(console, prometheus, About(domain, JOB, SHOWN), [name])
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


asyncio.run(main())
