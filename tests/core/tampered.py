"""Where a log goes wrong, for tests that read one."""

from collections.abc import Iterable

from monitor.core.events import Record
from monitor.core.tampering import Inspection, Logged


def inspected(records: Iterable[Record]) -> Inspection:
    rows = (Logged(record.seq, record.hash, record) for record in records)
    return Inspection().along(rows)


def first_tampered(records: Iterable[Record]) -> int | None:
    """Return the number of the first record that is wrong; None where all are as written."""
    return next((finding.seq for finding in inspected(records).findings), None)
