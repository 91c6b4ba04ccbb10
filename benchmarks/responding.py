"""The responder's process: started with habits, and asked at its end what it did."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.contenders import compiled


@dataclass(slots=True)
class Responder:
    """Where it answers, and, once it has ended, what it did."""

    ports: tuple[int, ...]
    did: Mapping[str, float] = field(default_factory=dict)


@contextmanager
def responding(
    resolvers: int, habits: Mapping[str, int], program: Path | None = None
) -> Iterator[Responder]:
    """Let a responder answer as so many resolvers, on the last core; compile it where need be."""
    with tempfile.TemporaryDirectory() as folder:
        program = program or compiled("responder.c", Path(folder))
        options = [f"--{name}={value}" for name, value in habits.items() if value]
        where = [f"--ports={resolvers}", f"--core={core(-1)}"]
        with subprocess.Popen(  # noqa: S603
            [str(program), *where, *options], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            ports = process.stdout.readline().strip()
            if not ports:
                raise SystemExit("the responder did not start")
            responder = Responder(tuple(map(int, ports.split(","))))
            try:
                yield responder
            finally:
                process.terminate()
                responder.did = json.loads(process.stdout.readline())


def core(place: int) -> int:
    """Return a core to run on, counted from 1, or 0 for any where there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[place] + 1 if len(cores) > 1 else 0


def run_on(number: int) -> None:
    """Bind this process to a core as `core` counts them."""
    if number:
        os.sched_setaffinity(0, {number - 1})
