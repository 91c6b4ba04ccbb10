"""What the program really exports: each metric with its labels, and the words of closed sets."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from monitor.adapters.telemetry.counters import PrometheusTelemetry
from monitor.adapters.telemetry.vantages import VantageCounts
from monitor.core.answers import NoAnswerReason, Rcode
from monitor.core.inventory import FailureReason
from monitor.core.state import DomainState, State
from monitor.core.status import DomainStatus, Fault
from monitor.core.tracking.changes import ChangeState
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.tracks import TrackState
from monitor.core.verdict import VerdictKind
from monitor.usecases.snapshot import Snapshot
from tests.contracts.followed import stages
from tests.core.samples import BINDING, DOMAIN, START
from tests.entrypoints.sample import RESOLVERS, sample_snapshot
from tests.entrypoints.scrapes import text_of


def labels_by_metric() -> dict[str, frozenset[str]]:
    """Return the labels of each series in a scrape of a fleet with changes of every kind."""
    found = defaultdict[str, set[str]](set)
    for text in (text_of(sample_snapshot()), *_of_changes(), _of_the_monitor()):
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found[sample.name].update(sample.labels)
    return {name: frozenset(labels) for name, labels in found.items()}


def words_of(metric: str, label: str) -> frozenset[str] | None:
    """Return the closed set that the label's values are of; None where they are names."""
    return _WORDS.get((metric, label), _WORDS.get(("", label)))


def _of_changes() -> list[str]:
    snapshots = []
    for record in stages():
        domain = DomainState(DOMAIN, BINDING, START, records={record.key: record})
        state = State(domains={DOMAIN: domain})
        snapshots.append(Snapshot(START + timedelta(hours=1), state, RESOLVERS))
    return [text_of(snapshot) for snapshot in snapshots]


def _of_the_monitor() -> str:
    registry = CollectorRegistry()
    telemetry = PrometheusTelemetry(registry)
    telemetry.expect(frozenset({"alidns"}), frozenset({"shop"}))
    VantageCounts(registry).expect(frozenset({"north"}))
    return generate_latest(registry).decode()


def _values(closed_set: type[Enum]) -> frozenset[str]:
    return frozenset(str(member.value) for member in closed_set)


_WORDS: Mapping[tuple[str, str], frozenset[str]] = {
    ("oss_cname_change_state", "state"): _values(ChangeState),
    ("oss_cname_track_state", "state"): _values(TrackState),
    ("oss_cname_track_reason", "reason"): _values(Reason),
    ("oss_cname_inventory_errors_total", "reason"): _values(FailureReason),
    ("", "fault"): _values(Fault),
    ("", "status"): _values(DomainStatus),
    ("", "verdict"): _values(VerdictKind),
    ("", "outcome"): frozenset(r.name.lower() for r in Rcode) | _values(NoAnswerReason),
}
