"""The table of faults, for the terminal and for the page."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from tests.chaos.fault import Fault, Outcome

Row = tuple[Fault, Outcome]

HEADINGS = ("fault", "lost", "paged", "until normal", "remark")
BEGIN, END = "<!-- made by make chaos -->", "<!-- until here -->"


def shown(rows: Sequence[Row]) -> Table:
    """Return the table for a terminal."""
    table = Table(*HEADINGS, title="Faults")
    for row in rows:
        table.add_row(*_cells(*row), style="" if row[1].kept else "bold red")
    return table


def markdown(rows: Sequence[Row]) -> str:
    """Return the table as Markdown."""
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *(_cells(*row) for row in rows)]
    return "".join(f"| {' | '.join(map(_escaped, line))} |\n" for line in lines)


def write_between(page: Path, text: str) -> None:
    """Replace what stands between the markers of the page. Raises ValueError without them."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no {BEGIN} with an {END} behind it")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def remark(outcome: Outcome) -> str:
    """Say what was wrong, if anything, and what else is worth a word."""
    false = (f"false page: {title}" for title in outcome.false_pages)
    wrong = (*outcome.lost, *false, *outcome.broken)
    return "; ".join(filter(None, (*wrong[:3], outcome.remark)))


def _cells(fault: Fault, outcome: Outcome) -> tuple[str, ...]:
    return (
        f"{fault.name}: {fault.about}",
        str(len(outcome.lost)) if outcome.lost else "nothing",
        f"{outcome.paged} of {outcome.truth}",
        "never" if outcome.normal_after is None else f"{outcome.normal_after:.1f} s",
        remark(outcome),
    )


def _escaped(cell: str) -> str:
    return " ".join(cell.replace("|", "\\|").split())
