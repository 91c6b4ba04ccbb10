"""Search for inputs that break something: `python -m tests.fuzz --seconds 60`.

One target after the other. Ends with 1 where an input broke something; it is then in a file that
is named, and `python -m tests.fuzz --only TARGET --replay FILE` shows what it does.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.fuzz import corpus
from tests.fuzz.hunt import IS_GUIDED, be_quiet
from tests.fuzz.reaching import telling
from tests.fuzz.running import Outcome, Places, hunt
from tests.fuzz.targets import NAMES, PLANTED, load

_SHOWN = 15  # last lines of a search that something broke
_UNGUIDED = (
    "atheris is not installed here (it has no build for this Python): nothing leads the search; "
    "kept inputs are run, and changed by lot."
)


def main(words: Sequence[str] | None = None) -> int:
    asked, console = _parse(words), Console()
    names = asked.only or list(NAMES)
    if asked.list:
        console.print("\n".join(names), highlight=False)
        return 0
    be_quiet()
    if asked.replay:
        return _replay(names, asked.replay, console)
    if not IS_GUIDED:
        console.print(f"[yellow]{_UNGUIDED}")
    places = Places(found=asked.corpus, crashes=asked.crashes)
    outcomes = _hunt_all(names, asked.seconds, places, console) if asked.seconds else []
    if outcomes:
        console.print(_table(outcomes))
    for outcome in outcomes:
        if outcome.has_failed:
            _explain(outcome, console)
    if asked.keep:
        _keep(names, places, console)
    return int(any(outcome.has_failed for outcome in outcomes))


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the targets")
    parser.add_argument(
        "--only",
        action="append",
        choices=(*NAMES, PLANTED),
        metavar="NAME",
        help="this one; repeatable",
    )
    parser.add_argument("--seconds", type=int, default=60, help="for each target; 0: no search")
    parser.add_argument(
        "--corpus", type=Path, default=corpus.FOUND, metavar="DIR", help="keep new inputs here"
    )
    parser.add_argument(
        "--crashes", type=Path, default=corpus.CRASHES, metavar="DIR", help="and what breaks, here"
    )
    parser.add_argument(
        "--keep", action="store_true", help="put the inputs that reach most into tests/fuzz/corpus"
    )
    parser.add_argument(
        "--replay", type=Path, action="append", metavar="FILE", help="only run this input"
    )
    return parser.parse_args(words)


def _hunt_all(
    names: Sequence[str], seconds: int, places: Places, console: Console
) -> list[Outcome]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}"),
    )
    outcomes: list[Outcome] = []
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(names), now="")

        def told(outcome: Outcome) -> None:
            now = f"{outcome.executions} executions, {outcome.rate}/s"
            progress.update(task, description=outcome.target, now=now)

        for name in names:
            outcomes.append(hunt(name, seconds, places, told))
            progress.advance(task)
    return outcomes


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table("target", "executions", "per second", "new inputs", "crashes", box=None)
    for outcome in outcomes:
        table.add_row(
            outcome.target,
            str(outcome.executions),
            str(outcome.rate),
            str(outcome.added),
            "[red]1" if outcome.has_failed else "0",
        )
    return table


def _explain(outcome: Outcome, console: Console) -> None:
    console.print(f"\n[red]{outcome.target}[/] ended with {outcome.code}:", highlight=False)
    said = "\n".join(outcome.said[-_SHOWN:])
    console.print(said, markup=False, highlight=False, soft_wrap=True)
    if outcome.broken is not None:
        again = f"python -m tests.fuzz --only {outcome.target} --replay {outcome.broken}"
        console.print(f"once more: {again}", markup=False, highlight=False, soft_wrap=True)


def _replay(names: Sequence[str], files: Sequence[Path], console: Console) -> int:
    """Run inputs, each by each target that was named; what breaks shows its traceback."""
    for name in names:
        target = load(name)
        for file in files:
            target.judge(file.read_bytes())
            console.print(f"{name}: {file} breaks nothing", markup=False, highlight=False)
    return 0


def _keep(names: Sequence[str], places: Places, console: Console) -> None:
    for name in names:
        target = load(name)
        known = {*corpus.inputs_of(target), *corpus.inputs_in(places.found / name)}
        count = corpus.renew(target, telling(target.judge, known))
        console.print(f"{name}: {count} of {len(known)} inputs kept", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
