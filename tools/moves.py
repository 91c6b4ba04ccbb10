"""Draw the legal moves of changes and tracks from the tables in the code: `make docs`."""

import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import TypeVar

from monitor.core.tracking.changes import CHANGE_MOVES, ChangeState
from monitor.core.tracking.tracks import TRACK_MOVES, TrackState

S = TypeVar("S", bound=Enum)

PAGE = Path(__file__).parent.parent / "docs" / "change-moves.md"


def page() -> str:
    """Return the page: one diagram for a change, one for a resolver's track."""
    return "\n".join(
        [
            "# The moves of a change and of a track",
            "",
            "Drawn from `CHANGE_MOVES` and `TRACK_MOVES` by `make docs`; what the states mean is",
            "told in [changes](changes.md).",
            "",
            "## A change",
            "",
            *_diagram(CHANGE_MOVES, {ChangeState.ANNOUNCED, ChangeState.AUTH_SPLIT}),
            "",
            "## One resolver's track in it",
            "",
            *_diagram(TRACK_MOVES, {TrackState.AUTH_WAIT}),
            "",
        ]
    )


def _diagram(moves: Mapping[S, frozenset[S]], beginnings: set[S]) -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for state in moves:
        if state in beginnings:
            yield f"    [*] --> {state.value}"
        for after in sorted(moves[state], key=lambda s: s.value):
            yield f"    {state.value} --> {after.value}"
        if not moves[state]:
            yield f"    {state.value} --> [*]"
    yield "```"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} written\n")
