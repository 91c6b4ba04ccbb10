"""One contender's turn: a responder of its own, the contender's process, and what it reports."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.contenders import Contender
from benchmarks.responding import core, responding
from benchmarks.task import Measured

ROOT = Path(__file__).parent.parent
LIMIT = 300.0  # seconds for a turn


class AbsentError(Exception):
    """A contender could not take part; the text says why."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one contender measured, round by round."""

    contender: Contender
    resolvers: int
    rounds: tuple[Measured, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """What all turns have in common."""

    responder: Path
    resolvers: int
    habits: Mapping[str, int]  # of the responder: lie, drop, stray, change, reorder

    def take_turn(self, contender: Contender) -> Turn:
        """Let a contender work; raise `AbsentError` where it cannot."""
        answers, habits = contender.answers, dict(self.habits)
        if answers == "fresh":
            habits |= {"fresh": 1, "change": 0}
        elif habits["change"]:
            answers = "changing"
        with responding(self.resolvers, habits, self.responder) as responder:
            rounds = _rounds(
                contender,
                f"--names={contender.names}",
                f"--ports={','.join(map(str, responder.ports))}",
                f"--rounds={contender.rounds}",
                f"--answers={answers}",
                f"--core={core(0)}",
            )
        asked = int(responder.did["asked"])
        return Turn(contender, self.resolvers, _with_the_unasked(rounds, asked))


def _rounds(contender: Contender, *options: str) -> list[Measured]:
    with subprocess.Popen(  # noqa: S603
        [*contender.command, *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that what it starts can be ended with it
    ) as process:
        try:
            out, complaints = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired as error:
            raise AbsentError(f"not done in {LIMIT:.0f} s") from error
        finally:
            with suppress(ProcessLookupError):  # as a rule all of them have ended
                os.killpg(process.pid, signal.SIGKILL)
    rounds = [Measured(**json.loads(line)) for line in out.splitlines()]
    # Not the exit code: blastdns may abort when all is done and reported.
    if len(rounds) < contender.rounds:
        raise AbsentError((complaints.strip().splitlines() or ["it ended too early"])[-1])
    return rounds


def _with_the_unasked(rounds: list[Measured], asked: int) -> tuple[Measured, ...]:
    """Count as wrong what was answered from a contender's own cache."""
    unasked = max(0, sum(one.probes for one in rounds) - asked)
    return *rounds[:-1], replace(rounds[-1], wrong=rounds[-1].wrong + unasked)
