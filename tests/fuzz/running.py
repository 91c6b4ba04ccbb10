"""Run one search after another, each in a process of its own, and read what they tell."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.fuzz import corpus

_STATUS = re.compile(r"#(?P<done>\d+)\s.*exec/s: (?P<rate>\d+)")
_DONE = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_NEW = re.compile(r"stat::new_units_added:\s*(\d+)")
_WRITTEN = re.compile(r"Test unit written to (\S+)")
_DUMP = re.compile(r"0x[0-9a-f]{2},|Base64:|INFO:|WARNING:|MS:|$")  # the input, once more
_SAID = 40  # lines of what was said last that are kept for who asks why


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a search has come; `broken` is the input that broke it, `said` its last words."""

    target: str
    executions: int = 0
    rate: int = 0
    added: int = 0
    broken: Path | None = None
    code: int = 0
    said: tuple[str, ...] = ()

    @property
    def has_failed(self) -> bool:
        return self.code != 0 or self.broken is not None

    def after(self, line: str) -> "Outcome":
        """Return the outcome once the search has said one more line."""
        said = self.said if _DUMP.match(line) else (*self.said, line)[-_SAID:]
        found = replace(self, said=said)
        if status := _STATUS.match(line):
            done, rate = int(status["done"]), int(status["rate"])
            return replace(found, executions=done, rate=rate or found.rate)
        if counted := _DONE.match(line):
            return replace(found, executions=int(counted[1]))
        if new := _NEW.match(line):
            return replace(found, added=int(new[1]))
        if written := _WRITTEN.search(line):
            return replace(found, broken=Path(written[1]))
        return found


@dataclass(frozen=True, slots=True)
class Places:
    """Where inputs are taken from, and where they are put."""

    found: Path = corpus.FOUND
    kept: Path = corpus.KEPT
    crashes: Path = corpus.CRASHES


def hunt(
    target: str,
    seconds: int,
    places: Places = Places(),
    told: Callable[[Outcome], None] = lambda _: None,
) -> Outcome:
    """Search for so many seconds, or until something breaks; `told` is told of the progress."""
    command = [
        *(sys.executable, "-m", "tests.fuzz.hunt", target, str(seconds)),
        *(str(places.found / target), str(places.kept / target), str(places.crashes)),
    ]
    outcome = Outcome(target)
    with tempfile.TemporaryDirectory() as place:  # libFuzzer ends without tidying up
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "TMPDIR": place},
        )
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                outcome = outcome.after(line.rstrip())
                told(outcome)
    return replace(outcome, code=process.returncode)
