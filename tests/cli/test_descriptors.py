"""A process takes the descriptors that it is granted, in a process of its own each time."""

import subprocess
import sys

import pytest

SCRIPT = """
import resource
from monitor.cli.descriptors import have_room_for_sockets
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
have_room_for_sockets()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "then"),
    [(256, 900, 900), (900, 900, 900), (256, 256, 256)],
    ids=["raised", "had them all", "no more to be had"],
)
def test_the_soft_limit_is_raised_to_what_is_granted(soft: int, hard: int, then: int) -> None:
    script = SCRIPT.format(soft=soft, hard=hard)
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, check=True)
    assert [*map(int, done.stdout.split())] == [then, hard]
