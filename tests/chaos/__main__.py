"""Play faults against a daemon in a small world, and tell what came of each: `make chaos`."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import gettempdir

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed

from tests.chaos import table
from tests.chaos.fault import Fault
from tests.chaos.faults import FAULTS
from tests.chaos.run import run_all


def main(words: Sequence[str] | None = None) -> int:
    """Return 1 if any fault broke a promise."""
    asked = _parser().parse_args(words)
    wanted = [fault for fault in FAULTS if _is_wanted(fault, asked.only)]
    console = Console(width=160 if not sys.stdout.isatty() else None)
    if asked.list or not wanted:
        for fault in wanted:
            console.print(f"{fault.name}: {fault.about}", highlight=False, markup=False)
        return 0 if wanted else 2
    began = time.monotonic()
    rows = _played(wanted, console)
    console.print(table.shown(rows))
    console.print(f"{len(rows)} faults in {time.monotonic() - began:.0f} s")
    if asked.markdown:
        table.write_between(asked.markdown, table.markdown(rows))
    return 0 if all(outcome.kept for _, outcome in rows) else 1


def _played(faults: Sequence[Fault], console: Console) -> list[table.Row]:
    columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), Elapsed())
    words = TextColumn("{task.description}", markup=False)
    rows = list[table.Row]()
    with Progress(*columns, words, console=console) as progress:
        task = progress.add_task(faults[0].name, total=len(faults))
        for fault, outcome, folder in run_all(faults, Path(gettempdir())):
            rows.append((fault, outcome))
            said = f"kept   {fault.name}"
            if not outcome.kept:
                said = f"BROKEN {fault.name}: see {folder}; {table.remark(outcome)}"
            console.print(said, highlight=False, markup=False)
            following = faults[len(rows)].name if len(rows) < len(faults) else "done"
            progress.update(task, advance=1, description=following)
    return rows


def _is_wanted(fault: Fault, only: Sequence[str]) -> bool:
    return not only or any(text in f"{fault.name}: {fault.about}" for text in only)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--list", action="store_true", help="only say which faults there are")
    among = parser.add_mutually_exclusive_group()  # a table is of one run of all
    among.add_argument("--only", nargs="+", default=[], metavar="TEXT", help="those with a TEXT")
    among.add_argument("--markdown", type=Path, metavar="FILE", help="write the table into it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
