"""What counts as harm to a daemon."""

from collections import Counter
from dataclasses import replace

from tests.chaos.detours import ROUND
from tests.chaos.fault import Outcome
from tests.chaos.vitals import (
    MOST_FILES,
    MOST_GROWTH,
    MOST_WAIT,
    Vitals,
    complaints,
    described,
)

WELL = Vitals(10, 2 * ROUND, Counter(one=20, two=9), strays=7, memory=80.0, wait=0.2, files=90)


def test_nobody_complains_of_a_daemon_that_does_its_work() -> None:
    assert list(complaints(WELL, WELL, WELL, ["one"])) == []
    assert described(WELL, WELL, ["one"]) == (
        "others asked at 100% of their pace, 7 strays counted, +0 MiB, longest reply 0.20 s"
    )


def test_each_harm_is_told() -> None:
    during = replace(WELL, memory=WELL.memory + MOST_GROWTH + 1, wait=MOST_WAIT + 1)
    after = replace(WELL, files=WELL.files + MOST_FILES + 1)
    assert list(complaints(WELL, during, after, ["one", "two"])) == [
        "two was asked at 45% of its pace",
        "memory grew from 80 to 129 MiB",
        "a reply took 4.0 s",
        "61 files were left open",
    ]


def test_a_fault_that_did_harm_has_broken_a_promise() -> None:
    outcome = Outcome((), 1, 1, 2.0, "")
    assert outcome.kept
    assert not replace(outcome, broken=("a reply took 4.0 s",)).kept
