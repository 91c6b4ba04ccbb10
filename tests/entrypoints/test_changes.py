"""Changes in the shapes that scripts and Prometheus rely on."""

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from monitor.core.bindings import Binding
from monitor.core.servers import Resolver
from monitor.core.state import DomainState, State
from monitor.core.tracking.changes import ChangeState
from monitor.core.tracking.record import TrackedRecord
from monitor.core.tracking.tracks import Census, TrackState
from monitor.entrypoints.change_documents import change_document
from monitor.entrypoints.documents import domain_document
from monitor.entrypoints.metrics import StateMetrics
from monitor.entrypoints.series.doors import SHOWN_FOR
from monitor.usecases.snapshot import Snapshot
from tests.contracts.followed import stages
from tests.core.samples import BINDING, DOMAIN, START

RESOLVERS = tuple(Resolver(name, "192.0.2.53") for name in ("a", "b", "c"))
OF_A_CHANGE = {
    "id", "domain", "kind", "state", "old", "new", "old_ttl", "source", "detected_at",
    "all_authorities_at", "bound_at", "eta_at", "deadline_at", "progress", "coverage", "by",
    "note", "authorities", "tracks",
}  # fmt: skip
OF_A_TRACK = {
    "resolver", "state", "reason", "caches", "confidence", "first_new_at", "last_old_at", "eta_at",
    "since",
}  # fmt: skip


def snapshot_of(record: TrackedRecord, after: timedelta, binding: Binding = BINDING) -> Snapshot:
    state = DomainState(DOMAIN, binding, START, records={record.key: record})
    return Snapshot(START + after, State(domains={DOMAIN: state}), RESOLVERS)


def propagating() -> TrackedRecord:
    return next(
        record
        for record in reversed(stages())
        if record.change and record.change.state is ChangeState.PROPAGATING
    )


def samples(snapshot: Snapshot) -> dict[str, dict[tuple[str, ...], float]]:
    text = "".join(StateMetrics(lambda: snapshot, max_pairs=0).pieces(generate_latest))
    return {
        family.name: {tuple(s.labels.values()): s.value for s in family.samples}
        for family in text_string_to_metric_families(text)
    }


@pytest.mark.parametrize("record", [r for r in stages() if r.change], ids=lambda r: r.change.id)
def test_a_change_has_every_key_that_scripts_rely_on(record: TrackedRecord) -> None:
    snapshot = snapshot_of(record, timedelta(minutes=20))
    assert record.change is not None
    document = change_document(snapshot, record.change)
    assert document.keys() >= OF_A_CHANGE
    for track in document["tracks"]:
        assert track.keys() >= OF_A_TRACK
    assert 0 <= document["progress"] <= 1
    assert 0 <= document["coverage"] <= 1


def test_a_domain_shows_the_change_that_is_under_way() -> None:
    record = propagating()
    snapshot = snapshot_of(record, timedelta(minutes=20))
    change = domain_document(snapshot, snapshot.domains[0])["change"]
    assert isinstance(change, dict) and record.change is not None
    assert change["id"] == record.change.id


def test_a_domain_that_never_changed_shows_none() -> None:
    snapshot = snapshot_of(stages()[1], timedelta())
    assert domain_document(snapshot, snapshot.domains[0])["change"] is None


def test_a_change_under_way_has_its_state_its_instants_and_its_tracks() -> None:
    record = propagating()
    change = record.change
    assert change is not None and change.bound_at is not None
    found = samples(snapshot_of(record, timedelta(minutes=20)))
    name = DOMAIN.text
    assert found["oss_cname_change_state"] == {(name, "propagating"): 1}
    instants = {
        key: found[f"oss_cname_change_{key}_timestamp_seconds"].get((name,))
        for key in ("detected", "bound", "deadline")
    }
    assert instants == {
        "detected": change.detected_at.timestamp(),
        "bound": change.bound_at.timestamp(),
        "deadline": change.deadline_at.timestamp(),
    }
    states = {labels[1]: labels[2] for labels in found["oss_cname_track_state"]}
    assert states == {n: t.state.value for n, t in change.tracks.items()}


def test_until_when_a_resolver_may_be_old_is_told_while_somebody_knows() -> None:
    late = next(r for r in stages() if r.change and r.change.tracks["b"].entries)
    assert late.change is not None
    counted = Census(is_done=True)
    tracks = {
        name: replace(track, reason=None, census=counted)
        for name, track in late.change.tracks.items()
    }
    known = replace(late, change=replace(late.change, tracks=tracks))
    key = "oss_cname_track_eta_timestamp_seconds"
    found = samples(snapshot_of(known, timedelta(minutes=20)))[key]
    expiries = [e.expires_at for e in tracks["b"].entries if not e.is_new]
    assert found[DOMAIN.text, "b"] == max(expiries).timestamp()
    tracks["b"] = replace(tracks["b"], state=TrackState.CONVERGED)
    assert (DOMAIN.text, "b") not in samples(snapshot_of(known, timedelta(minutes=20)))[key]


def test_a_settled_change_is_shown_for_a_day() -> None:
    record = propagating()
    assert record.change is not None
    settled = replace(record, change=record.change.moved(ChangeState.SETTLED, START))
    just = samples(snapshot_of(settled, SHOWN_FOR - timedelta(seconds=1)))
    assert just["oss_cname_change_state"] == {(DOMAIN.text, "settled"): 1}
    later = samples(snapshot_of(settled, SHOWN_FOR + timedelta(seconds=1)))
    assert later["oss_cname_change_state"] == {}
