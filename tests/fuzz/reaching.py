"""Which inputs reach what: of many, keep those that each go a way that no smaller one goes."""

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

from tests.fuzz.target import Judge

_PROGRAM = str(Path(__file__).parents[2] / "monitor")

Step: TypeAlias = tuple[str, int, int]  # from one line of a file to another


def telling(judge: Judge, inputs: Iterable[bytes]) -> list[bytes]:
    """Return the inputs that reach something of their own, the smallest first."""
    known, found = set[Step](), list[bytes]()
    for data in sorted(set(inputs), key=lambda data: (len(data), data)):
        steps = set[Step]()
        with _noting(steps):
            judge(data)
        if not steps <= known:
            known |= steps
            found.append(data)
    return found


@contextmanager
def _noting(steps: set[Step]) -> Iterator[None]:
    """Note the steps that this program takes within, in all threads that begin there."""

    def begin(frame: FrameType, _event: str, _argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(_PROGRAM):
            return None
        before = 0

        def go(frame: FrameType, event: str, _argument: Any) -> Any:
            nonlocal before
            if event == "line":
                steps.add((name, before, frame.f_lineno))
                before = frame.f_lineno
            return go

        return go

    earlier = sys.gettrace()
    threading.settrace(begin)
    sys.settrace(begin)
    try:
        yield
    finally:
        sys.settrace(earlier)
        threading.settrace(earlier)
