"""The shapes in which scripts get what was found in the audit log."""

from collections.abc import Mapping

from monitor.core.events import Json
from monitor.core.replay import Unjudged
from monitor.core.tampering import Inspection
from monitor.usecases.replay import Replayed


def inspection_document(inspection: Inspection) -> Mapping[str, Json]:
    """Return what a look through the log has found; the first finding is the lowest."""
    return {
        "intact": inspection.is_intact,
        "records": inspection.records,
        "pruned_through": inspection.base.seq if inspection.is_pruned else None,
        "head": {"seq": inspection.head.seq, "hash": inspection.head.hash},
        "findings": tuple(
            {
                "kind": finding.kind.value,
                "seq": finding.seq,
                "until": finding.until,
                "change": finding.change,
            }
            for finding in inspection.findings
        ),
    }


def replay_document(replayed: Replayed) -> Mapping[str, Json]:
    """Return which stored answers would be judged otherwise now."""
    return {
        "judged": len(replayed.answers),
        "not_judged": {reason.value: replayed.unjudged.get(reason, 0) for reason in Unjudged},
        "differing": tuple(
            {
                "seq": answer.seq,
                "at": answer.at,
                "domain": answer.domain.text,
                "server": answer.server,
                "before": {"verdict": answer.kind, "rule": answer.rule or None},
                "now": {
                    "verdict": answer.verdict.kind.value,
                    "rule": answer.verdict.rule.value,
                    "seen": answer.verdict.seen,
                },
            }
            for answer in replayed.differing
        ),
    }
