"""Run faults one after another, each in a folder of its own and within its time."""

import asyncio
import shutil
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.chaos.fault import Fault, Outcome

WHERE = "where.txt"  # it failed, in the folder of a fault that could not be played


def run_all(faults: Sequence[Fault], under: Path) -> Iterator[tuple[Fault, Outcome, Path]]:
    """Yield what came of each fault as soon as it is known, and its folder under the given one.

    The folder is left, with all that the daemon wrote and said, where a promise was broken.
    """
    for fault in faults:
        folder = Path(mkdtemp(prefix="chaos-", dir=under))
        outcome = asyncio.run(outcome_of(fault, folder))
        if outcome.kept:
            shutil.rmtree(folder)
        yield fault, outcome, folder


async def outcome_of(fault: Fault, folder: Path) -> Outcome:
    """Return what came of the fault; one that could not be played has kept nothing."""
    try:
        async with asyncio.timeout(fault.within):
            return await fault.run(folder)
    except TimeoutError:
        return _failed(folder, f"not over in {fault.within:g} s, or a wait in it was in vain")
    except (Exception, pytest.skip.Exception) as error:  # noqa: BLE001  # the others have their turn
        return _failed(folder, f"{type(error).__name__}: {error}")


def _failed(folder: Path, remark: str) -> Outcome:
    (folder / WHERE).write_text(traceback.format_exc())
    return Outcome((), 0, 0, None, remark)
