"""Compare the monitors: `python -m tests.simulation --seeds 300`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.simulation import goals, plots, progress, table
from tests.simulation.lineup import MONITORS, TRACKER
from tests.simulation.run import run_many
from tests.simulation.summary import summarise


def main(words: Sequence[str] | None = None) -> None:
    asked = _parse(words)
    names = asked.monitor or list(MONITORS)
    seeds = range(asked.first, asked.first + asked.seeds)
    outcomes = {
        name: run_many(seeds, MONITORS[name], asked.processes)
        for name in dict.fromkeys([*names, *asked.by_kind])
    }
    rows = [summarise(name, outcomes[name]) for name in names]
    console = Console(width=200)
    console.print(table.by_monitor(rows))
    if asked.goals:
        console.print(goals.table(goals.goals(goals.measure(seeds, asked.processes))))
    for name in asked.by_kind:
        console.print(table.by_kind(name, outcomes[name]))
    if asked.plots:
        curves = [
            progress.follow(seed, MONITORS[name], f"{name}, window {seed}")
            for seed in asked.follow
            for name in names
            if name == TRACKER
        ]
        plots.save_all(rows, asked.plots, curves)


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many worlds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    for option, sense in (
        ("--monitor", "only this one; may be repeated"),
        ("--by-kind", "tell the kinds apart for this monitor; may be repeated"),
    ):
        parser.add_argument(
            option, help=sense, action="append", default=[], choices=list(MONITORS), metavar="NAME"
        )
    parser.add_argument("--goals", action="store_true", help="also measure the promises")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw pictures there")
    parser.add_argument(
        "--follow",
        help="also draw how this window went for the tracker; may be repeated",
        type=int,
        action="append",
        default=[],
        metavar="SEED",
    )
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
