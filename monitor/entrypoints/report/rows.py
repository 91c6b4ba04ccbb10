"""Reports as CSV (RFC 4180), for spreadsheets: what changed, who had it when, what happened."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO

from monitor.core.report import Report
from monitor.entrypoints.instants import instant, maybe
from monitor.entrypoints.report.sheet import Sheet
from monitor.wording.history import entry

COLUMNS = (
    *("row", "change", "domain", "seq", "at", "type", "resolver", "state", "reason"),
    *("old", "new", "first_new_at", "last_old_at", "until", "text", "hash"),
)
"""`row` says what each row is of: the `change`, a `resolver`, a `spell` or an `event`."""

# What begins a formula, also in the full-width letters that East Asian spreadsheets read alike.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "|", "%")


def rows(sheets: Sequence[Sheet]) -> str:
    """Return the reports as one table; no cell is a formula to a spreadsheet."""
    file = StringIO()
    writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for sheet in sheets:
        for row in _rows(sheet):
            writer.writerow({key: _harmless(value) for key, value in row.items()})
    return file.getvalue()


def _harmless(value: str | None) -> str:
    text = value or ""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _rows(sheet: Sheet) -> Iterator[Mapping[str, str | None]]:
    report = sheet.report
    of_all = {"change": report.change.id, "domain": report.change.domain.text}
    for row in (*_change(report), *_resolvers(report), *_spells(report), *_events(sheet)):
        yield {**of_all, **row}


def _change(report: Report) -> Iterator[Mapping[str, str | None]]:
    change = report.change
    yield {
        "row": "change",
        "at": instant(change.detected_at),
        "type": change.kind.value,
        "state": change.state.value,
        "old": change.old.text if change.old else None,
        "new": change.new.text,
        "until": maybe(change.settled_at),
        "text": ": ".join(part for part in (change.by, change.note) if part),
        "hash": report.head.hash if report.head else None,
    }


def _resolvers(report: Report) -> Iterator[Mapping[str, str | None]]:
    for track in report.tracks:
        yield {
            "row": "resolver",
            "at": instant(track.since),
            "resolver": track.resolver,
            "state": track.state.value,
            "reason": track.reason.value if track.reason else None,
            "first_new_at": maybe(track.first_new_at),
            "last_old_at": maybe(track.last_old_at),
            "until": maybe(report.change.eta_of(track)),
        }


def _spells(report: Report) -> Iterator[Mapping[str, str | None]]:
    for spell in report.spells:
        yield {
            "row": "spell",
            "at": instant(spell.since),
            "resolver": spell.resolver,
            "state": spell.state.value,
            "reason": spell.reason.value if spell.reason else None,
            "until": maybe(spell.until),
        }


def _events(sheet: Sheet) -> Iterator[Mapping[str, str | None]]:
    for record in sheet.report.records:
        event = record.event
        state, reason = (event.data.get(key) for key in ("to", "reason"))
        yield {
            "row": "event",
            "seq": str(record.seq),
            "at": instant(event.at),
            "type": event.type.value,
            "resolver": event.resolver,
            "state": state if isinstance(state, str) else None,
            "reason": reason if isinstance(reason, str) else None,
            "text": entry(record, sheet.words).change,
            "hash": record.hash,
        }
