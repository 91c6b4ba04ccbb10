"""The same work for our engine, for its peers and for bare C, in turns, as ratios: `make bench`.

Each contender runs on one core and a responder in C on another; all take turns, several times
over. The table shows medians. Absolute figures differ from machine to machine and from hour to
hour, so compare the rows of one table only.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.chart import save_chart
from benchmarks.contenders import (
    FLOOR,
    HERE,
    OURS,
    Contender,
    all_contenders,
    compiled,
    install_peers,
)
from benchmarks.figures import Figure, brief, figures
from benchmarks.turns import AbsentError, Ground, Turn

WIDTH = 110
SMALL = 100  # names, where it need only be seen that all runs
HABITS = ("change", "drop", "stray", "lie", "reorder")


def main() -> None:
    """Run the duel that the command line describes, and show it."""
    options = _options()
    if not options.small and options.only is None:
        install_peers(options.venv)
    with tempfile.TemporaryDirectory() as name:
        programs = Path(name)
        habits = {habit: getattr(options, habit) for habit in HABITS}
        ground = Ground(compiled("responder.c", programs), options.resolvers, habits)
        contenders = all_contenders(compiled("floor.c", programs), options.venv, programs)
        contenders = tuple(one for one in contenders if _is_wanted(one, options.only))
        if options.small:
            contenders = tuple(one.reduced(SMALL) for one in contenders)
        turns, absent = take_turns(contenders, ground, options.repeats)
    shown = figures(turns)
    _show(shown, absent)
    if options.json:
        options.json.write_text(json.dumps(_raw(turns), indent=1), encoding="utf-8")
    if options.chart:
        save_chart(list(shown.values()), options.repeats, options.chart)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resolvers", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5, help="turns of each contender")
    parser.add_argument("--small", action="store_true", help="only see that all that is here runs")
    parser.add_argument("--only", nargs="*", help="words of which a row's name holds one")
    parser.add_argument("--venv", type=Path, default=HERE / ".peers", help="of the peers")
    parser.add_argument("--chart", type=Path, help="write a picture (SVG)")
    parser.add_argument("--json", type=Path, help="write the raw figures")
    habits = parser.add_argument_group("habits of the responder, 0 unless told")
    habits.add_argument("--change", type=int, default=0, help="percent of the names, every 5 s")
    habits.add_argument("--drop", type=int, default=0, help="permille of the questions")
    habits.add_argument("--stray", type=int, default=0, help="permille, with wrong datagrams")
    habits.add_argument("--lie", type=int, default=0, help="permille, with another name's answer")
    habits.add_argument("--reorder", type=int, default=0, help="1: addresses in either order")
    return parser.parse_args()


def _is_wanted(contender: Contender, words: Sequence[str] | None) -> bool:
    return words is None or any(word in row for row in contender.rows for word in words)


def take_turns(
    contenders: Sequence[Contender], ground: Ground, repeats: int
) -> tuple[list[Turn], dict[str, str]]:
    """Let each contender work in turn, so often; return the turns, and why someone is missing."""
    turns: list[Turn] = []
    absent: dict[str, str] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(contenders) * repeats)
        for contender in list(contenders) * repeats:
            name = contender.rows[-1]
            progress.update(task, description=name, advance=1)
            if name in absent:
                continue
            try:
                turns.append(ground.take_turn(contender))
            except AbsentError as reason:
                absent[name] = str(reason)
    return turns, absent


def _show(rows: Mapping[str, Figure], absent: Mapping[str, str]) -> None:
    console = Console(width=max(WIDTH, Console().width))  # a table that wraps cannot be compared
    table = Table("", box=None)
    for title in ("probes/s", "CPU s/M", "min-max", "x floor", "x ours", "MiB", "wrong"):
        table.add_column(title, justify="right")
    table.add_column("compared")
    for figure in rows.values():
        cost = figure.cost
        table.add_row(
            figure.row,
            f"{figure.rate.middle:,.0f}",
            brief(cost.middle),
            f"{brief(cost.least)}-{brief(cost.most)}",
            _ratio(figure, rows.get(FLOOR)),
            _ratio(figure, rows.get(OURS)),
            f"{figure.peak_rss_mb:.0f}",
            f"{figure.wrong:,}",
            figure.checked,
        )
    console.print(table)
    for name, reason in absent.items():
        console.print(f"absent: {name}: {reason}", markup=False, highlight=False)


def _ratio(figure: Figure, to: Figure | None) -> str:
    return brief(figure.cost.middle / to.cost.middle) if to else "-"


def _raw(turns: Sequence[Turn]) -> list[dict[str, object]]:
    return [
        {
            "row": turn.contender.row(number),
            "names": turn.contender.names,
            "resolvers": turn.resolvers,
            **asdict(measured),
        }
        for turn in turns
        for number, measured in enumerate(turn.rounds)
    ]


if __name__ == "__main__":
    main()
