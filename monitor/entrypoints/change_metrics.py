"""Changes as Prometheus sees them: one of a domain at a time, the one that matters most."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from monitor.core.tracking.changes import Change
from monitor.core.tracking.tracks import TrackState
from monitor.usecases.snapshot import Snapshot

SHOWN_FOR = timedelta(hours=24)  # after its end


def of_changes(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield the state, the instants and the tracks of each domain's change."""
    state = _gauge("change_state", "1 for where the change stands.", "domain state")
    instants = {
        name: _gauge(f"change_{name}_timestamp_seconds", promise, "domain")
        for name, promise in _INSTANTS.items()
    }
    tracks = _gauge(
        "track_state",
        "1 for where a resolver stands in the change, unless it has settled.",
        "domain resolver state",
    )
    for domain in snapshot.domains:
        change = snapshot.change(domain)
        if change is None or not _is_shown(change, snapshot.at):
            continue
        name = domain.domain.text
        state.add_metric([name, change.state.value], 1)
        for key, at in change.instants().items():
            if key in instants:
                instants[key].add_metric([name], at.timestamp())
        if change.is_watched(snapshot.at):
            for resolver, track in sorted(change.tracks.items()):
                if track.state is not TrackState.SETTLED:
                    tracks.add_metric([name, resolver, track.state.value], 1)
    yield from (state, *instants.values(), tracks)


_INSTANTS = {
    "detected": "When the change was first seen at an authority.",
    "eta": "When the last old copy that is known expires, or did.",
    "bound": "When every cache that keeps to the TTL has forgotten the old value.",
    "deadline": "When the window of the change is over.",
}


def _is_shown(change: Change, now: datetime) -> bool:
    ended = change.settled_at or change.deadline_at
    return change.state.is_open or now < ended + SHOWN_FOR


def _gauge(name: str, promise: str, labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"oss_cname_{name}", promise, labels=labels.split())
