"""Records of the audit log, for people at a terminal."""

from collections.abc import Iterable

from rich.table import Table

from monitor.core.events import Record
from monitor.wording import Wording
from monitor.wording.history import entry


def history_table(records: Iterable[Record], wording: Wording) -> Table:
    """Return one line for each record: when, what kind of event, and what it changed."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(wording.word("history"))
    table.add_column("")
    table.add_column("", overflow="fold")
    for record in records:
        told = entry(record, wording)
        table.add_row(told.at.isoformat(timespec="seconds"), told.event, told.change)
    return table
