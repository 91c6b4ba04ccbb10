"""A process that is told to end does so in time, once, and whatever still hangs in it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import environment

# It is told by itself, so that no instant depends on how busy the machine is.
PRELUDE = """
import asyncio, os, signal, threading, time
from monitor.cli import ending
from monitor.cli.exit_codes import Exit

def tell(*numbers):
    for number in numbers or (signal.SIGTERM,):
        os.kill(os.getpid(), number)

"""
IN_TIME = 0.5


def run(script: str, at: Path, **constants: float) -> subprocess.CompletedProcess[str]:
    given = "".join(f"ending.{name} = {value}\n" for name, value in constants.items())
    path = at / "script.py"
    path.write_text(PRELUDE + given + script + "\nending.run_until_told(main())\n")
    return subprocess.run(
        [sys.executable, str(path)],
        env=environment(), capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_is_told_to_end_hears_it_once(number: signal.Signals, tmp_path: Path) -> None:
    script = f"""
async def main():
    with ending.ending() as told:
        tell({int(number)}, {int(number)})
        await told.wait()
    return Exit.OK
"""
    done = run(script, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_being_told_again_when_all_is_over_changes_nothing(tmp_path: Path) -> None:
    script = """
async def main():
    with ending.ending() as told:
        tell()
        await told.wait()
    tell(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    return Exit.OK
"""
    assert run(script, tmp_path).returncode == 0


def test_who_ends_by_himself_can_still_be_killed(tmp_path: Path) -> None:
    script = """
async def main():
    with ending.ending():
        pass
    tell()
    await asyncio.sleep(60)
"""
    assert run(script, tmp_path).returncode == -signal.SIGTERM


def test_threads_that_are_stuck_are_not_waited_for(tmp_path: Path) -> None:
    script = """
from concurrent.futures import ThreadPoolExecutor

async def main():
    others = ThreadPoolExecutor(1)
    others.submit(time.sleep, 600)
    with ending.ending() as told:
        stuck = asyncio.ensure_future(asyncio.to_thread(time.sleep, 600))
        await asyncio.sleep(0)
        tell()
        await told.wait()
    return Exit.CRITICAL
"""
    assert run(script, tmp_path).returncode == 2


STUCK = {
    "a task that does not obey": """
    while True:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            pass
""",
    "a loop that stands still": """
    await told.wait()
    time.sleep(600)
""",
}


@pytest.mark.parametrize("stuck", STUCK)
def test_whoever_does_not_end_is_ended_and_says_where_it_was(stuck: str, tmp_path: Path) -> None:
    script = f"""
async def keep_on(told):
{STUCK[stuck]}

async def main():
    with ending.ending() as told:
        keeping = asyncio.ensure_future(keep_on(told))
        await asyncio.sleep(0)
        tell()
        await told.wait()
    return Exit.OK
"""
    done = run(script, tmp_path, IN_TIME=IN_TIME)
    assert done.returncode == 1
    assert done.stderr.startswith("Timeout (0:00:00.5"), done.stderr
    assert "script.py" in done.stderr


def test_who_takes_long_says_what_it_waits_for(tmp_path: Path) -> None:
    script = """
async def dawdle():
    await asyncio.sleep(1)

async def main():
    with ending.ending() as told:
        tell()
        await told.wait()
        await asyncio.ensure_future(dawdle())
    return Exit.OK
"""
    done = run(script, tmp_path, _SLOW=0.1)
    assert done.returncode == 0
    assert "ending.slow" in done.stdout + done.stderr
    assert "dawdle" in done.stdout + done.stderr


NUMBERS = (signal.SIGTERM, signal.SIGINT)


@pytest.mark.parametrize("number", NUMBERS)
def test_in_a_container_it_can_be_ended_before_it_listens(
    number: signal.Signals, tmp_path: Path
) -> None:
    script = f"""
own, os.getpid = os.getpid(), lambda: 1
from monitor import __main__
__main__._end_while_loading([])
os.kill(own, {int(number)})
time.sleep(60)
"""
    assert run(script, tmp_path).returncode == 128 + number


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("command", ["run", "worker"])
def test_it_ends_while_it_loads_though_a_library_passes_over_exceptions(
    command: str, number: signal.Signals, tmp_path: Path
) -> None:
    script = f"""
import sys
from monitor import __main__
__main__._end_while_loading(["{command}"])
try:
    tell({int(number)})
    time.sleep(60)
except BaseException:
    pass
sys.exit(0)
"""
    assert run(script, tmp_path).returncode == -number
