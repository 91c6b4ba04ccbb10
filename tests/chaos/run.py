"""Run faults one after another, each in a folder of its own and within its time."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.chaos.fault import Fault, Outcome


def run_all(faults: Sequence[Fault]) -> Iterator[tuple[Fault, Outcome]]:
    """Yield what came of each fault as soon as it is known."""
    for fault in faults:
        with TemporaryDirectory(prefix="chaos-") as folder:
            yield fault, asyncio.run(outcome_of(fault, Path(folder)))


async def outcome_of(fault: Fault, folder: Path) -> Outcome:
    """Return what came of the fault; one that could not be played has kept nothing."""
    try:
        async with asyncio.timeout(fault.within):
            return await fault.run(folder)
    except TimeoutError:
        return _failed(f"not over in {fault.within:g} s, or a wait in it was in vain")
    except (Exception, pytest.skip.Exception) as error:  # noqa: BLE001  # the others have their turn
        return _failed(f"{type(error).__name__}: {error}")


def _failed(remark: str) -> Outcome:
    return Outcome((), 0, 0, None, remark)
