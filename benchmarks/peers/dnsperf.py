"""dnsperf: a load generator that counts answers and their codes, and reads no records.

It knows one server, so it asks the first resolver as often as the task has resolvers.
"""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.expected import name_of
from benchmarks.task import HOST, Measured, Task, peak_rss_mb, say, told

PROGRAM = "dnsperf"
ANSWERED = re.compile(r"NOERROR (\d+)")


def main() -> None:
    """Report each round as a run of the program: its start is part of what it cost."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise SystemExit(f"not installed: apt-get install {PROGRAM}")
    task = told()
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder) / "names"
        lines = (f"{name_of(number)} A\n" for number in range(task.names))
        names.write_text("".join(lines), encoding="ascii")
        times = len(task.ports)
        server = ["-s", HOST, "-p", str(task.ports[0])]
        load = ["-d", str(names), "-n", str(times), "-q", "100", "-T", "1"]
        for _ in range(task.rounds):
            say(_run([program, *server, *load], task))


def _run(command: list[str], task: Task) -> Measured:
    start, peak = time.perf_counter(), 0.0
    with tempfile.TemporaryFile("w+") as out, subprocess.Popen(command, stdout=out) as child:  # noqa: S603
        while True:
            pid, status, used = os.wait4(child.pid, os.WNOHANG)
            if pid:
                child.returncode = os.waitstatus_to_exitcode(status)
                break
            peak = max(peak, _peak_of(child.pid))
            time.sleep(0.005)
        wall = time.perf_counter() - start
        out.seek(0)
        answered = ANSWERED.search(out.read())
    wrong = task.probes - int(answered[1] if answered else 0)
    return Measured(task.probes, used.ru_utime + used.ru_stime, wall, peak, wrong, "codes")


def _peak_of(process: int) -> float:
    try:
        return peak_rss_mb(process)
    except (OSError, StopIteration):  # it has just ended
        return 0.0


if __name__ == "__main__":
    main()
