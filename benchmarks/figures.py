"""From turns to the figures that are shown: medians, with the least and the most."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.task import Measured
from benchmarks.turns import Turn


@dataclass(frozen=True, slots=True)
class Spread:
    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the median of some values, between the least and the most of them."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table, a bar of the chart."""

    row: str
    names: int
    resolvers: int
    rate: Spread  # probes in a second of the clock
    cost: Spread  # CPU seconds for a million probes
    peak_rss_mb: float
    wrong: int
    checked: str


def figures(turns: Iterable[Turn]) -> dict[str, Figure]:
    """Return the figure of each row, in the order in which they first came."""
    by_row: dict[str, list[list[Measured]]] = defaultdict(list)
    turn_of: dict[str, Turn] = {}
    for turn in turns:
        for row, rounds in _by_row(turn).items():
            by_row[row].append(rounds)
            turn_of[row] = turn
    return {row: _figure(row, turn_of[row], measured) for row, measured in by_row.items()}


def brief(value: float) -> str:
    """Return a number with the three digits that a measurement deserves."""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def _by_row(turn: Turn) -> dict[str, list[Measured]]:
    rows: dict[str, list[Measured]] = defaultdict(list)
    for number, measured in enumerate(turn.rounds):
        rows[turn.contender.row(number)].append(measured)
    return rows


def _figure(row: str, turn: Turn, turns: Sequence[Sequence[Measured]]) -> Figure:
    every = [measured for rounds in turns for measured in rounds]
    return Figure(
        row,
        turn.contender.names,
        turn.resolvers,
        rate=Spread.of(
            [_sum(rounds, "probes") / _sum(rounds, "wall_seconds") for rounds in turns]
        ),
        cost=Spread.of(
            [_sum(rounds, "cpu_seconds") / _sum(rounds, "probes") * 1e6 for rounds in turns]
        ),
        peak_rss_mb=max(measured.peak_rss_mb for measured in every),
        wrong=sum(measured.wrong for measured in every),
        checked=every[0].checked,
    )


def _sum(rounds: Sequence[Measured], what: str) -> float:
    total: float = sum(getattr(measured, what) for measured in rounds)
    return total
