"""Reports as JSON, for scripts: everything that the other forms tell, in names of the API."""

from collections.abc import Mapping, Sequence

from monitor import __version__
from monitor.core.events import Json
from monitor.core.report import Report
from monitor.core.state import State
from monitor.core.tracking.curve import Curve, Point
from monitor.entrypoints.change_documents import change_document
from monitor.entrypoints.curve_svg import SHARES
from monitor.entrypoints.documents import record_document
from monitor.entrypoints.instants import instant, maybe
from monitor.entrypoints.report.sheet import Sheet
from monitor.usecases.snapshot import Snapshot


def document(sheet: Sheet) -> Mapping[str, object]:
    """Return one report; `events` are as they were hashed, `answers` also as people read them."""
    report = sheet.report
    head = report.head
    snapshot = Snapshot(report.at, State(), report.resolvers)
    return {
        "made_by": f"oss-cname-monitor {__version__}",
        "at": instant(report.at),
        "head": {"seq": head.seq, "hash": head.hash} if head else None,
        "change": change_document(snapshot, report.change),
        "progress": _progress(report.curve),
        "spells": _spells(report),
        "notices": tuple(record.seq for record in report.notices),
        "events": tuple(record_document(record) for record in report.records),
        "answers": tuple(
            {**answer.evidence, "number": answer.number, "seqs": answer.seqs, "text": proof.text}
            for answer, proof in zip(report.answers, sheet.proofs, strict=True)
        ),
    }


def documents(sheets: Sequence[Sheet]) -> Mapping[str, object]:
    """Return several reports."""
    return {"items": tuple(document(sheet) for sheet in sheets)}


def _progress(curve: Curve) -> Mapping[str, Json]:
    return {
        "seen": _points(curve.seen),
        "expected": _points(curve.expected),
        "reached": {f"{share:.2f}": _reached(curve, share) for share in SHARES},
    }


def _reached(curve: Curve, share: float) -> Mapping[str, Json]:
    after = curve.time_to(share)
    seconds = None if after is None else round(after.total_seconds(), 3)
    return {"at": maybe(curve.reached_at(share)), "after_seconds": seconds}


def _points(points: Sequence[Point]) -> tuple[Json, ...]:
    return tuple({"at": instant(point.at), "share": round(point.share, 4)} for point in points)


def _spells(report: Report) -> tuple[Json, ...]:
    return tuple(
        {
            "resolver": spell.resolver,
            "state": spell.state.value,
            "since": instant(spell.since),
            "until": maybe(spell.until),
            "reason": spell.reason.value if spell.reason else None,
        }
        for spell in report.spells
    )
