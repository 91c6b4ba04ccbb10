"""What a process uses: memory, CPU, files; and whether that stays as it is."""

import re
import resource
from collections.abc import Sequence
from pathlib import Path
from statistics import median

_STEADY = 0.03  # a growth below is no growth: an allocator takes and returns memory in pieces


def mebibytes(key: str = "VmRSS", pid: int | str = "self") -> float:
    """Return the memory of a process: resident now, or as the most it ever was (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (kibibytes,) = re.findall(rf"^{key}:\s+(\d+) kB", status, re.MULTILINE)
    return int(kibibytes) / 1024


def cpu_seconds() -> float:
    """Return the user and system time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def open_files() -> int:
    """Return how many files and sockets this process holds open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def growth(samples: Sequence[float]) -> float:
    """Return by which share the last quarter lies above the second one: the first is the start."""
    quarter = max(1, len(samples) // 4)
    before, after = median(samples[quarter : 2 * quarter]), median(samples[-quarter:])
    return after / before - 1


def verdict(what: str, samples: Sequence[float]) -> str:
    """Say in a line whether it is flat."""
    grown = growth(samples)
    word = "flat" if grown < _STEADY else "NOT flat"
    first, last, most = samples[0], samples[-1], max(samples)
    return (
        f"{what}: {word}: {first:,.0f} at first, {last:,.0f} at last, at most {most:,.0f};"
        f" the last quarter {grown:+.1%} against the second"
    )
