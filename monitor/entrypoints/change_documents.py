"""The shapes in which scripts get changes."""

from monitor.core.tracking.changes import Change
from monitor.core.tracking.tracks import Track
from monitor.entrypoints.instants import instant, maybe
from monitor.entrypoints.shapes.changes import ChangeDocument, TrackDocument
from monitor.usecases.snapshot import Snapshot


def change_document(snapshot: Snapshot, change: Change) -> ChangeDocument:
    """Return one change with its authorities and tracks, as far as it is by now."""
    return {
        "id": change.id,
        "domain": change.domain.text,
        "display": change.domain.display,
        "owner": change.owner.text,
        "view": change.view,
        "kind": change.kind.value,
        "state": change.state.value,
        "source": change.source.value,
        # A value that is absent from DNS is an empty text.
        "old": change.old.text if change.old else None,
        "old_kind": change.old.kind.value if change.old else None,
        "new": change.new.text,
        "new_kind": change.new.kind.value,
        "old_ttl": change.old_ttl,
        "planned_at": maybe(change.planned_at),
        "edited_at": maybe(change.edited_at),
        "lines": change.lines,
        "unseen_since": maybe(change.unseen_since),
        "detected_at": instant(change.detected_at),
        "all_authorities_at": maybe(change.all_authorities_at),
        "bound_at": maybe(change.bound_at),
        "bound_is_assumed": change.bound_is_assumed,
        "eta_at": maybe(change.eta()),
        "deadline_at": instant(change.deadline_at),
        "converged_at": maybe(change.converged_at),
        "settled_at": maybe(change.settled_at),
        "expired_at": maybe(change.expired_at),
        "progress": round(change.progress(snapshot.at, snapshot.weights), 4),
        "coverage": round(change.coverage(snapshot.weights), 4),
        "by": change.by or None,
        "note": change.note or None,
        "supersedes": change.supersedes,
        "authorities": tuple(
            {
                "server": authority.server,
                "value": authority.value.text if authority.value else None,
                "ttl": authority.ttl,
                "serial": authority.serial,
                "state": authority.state.value,
            }
            for authority in change.authorities
        ),
        "tracks": tuple(
            _track(snapshot, change, track) for _, track in sorted(change.tracks.items())
        ),
    }


def _track(snapshot: Snapshot, change: Change, track: Track) -> TrackDocument:
    progress = track.progress(snapshot.at)
    return {
        "resolver": track.resolver,
        "state": track.state.value,
        "reason": track.reason.value if track.reason else None,
        "caches": track.caches if track.census.is_done else None,
        "confidence": round(track.confidence, 6) if track.confidence is not None else None,
        "progress": round(progress, 4) if progress is not None else None,
        "first_new_at": maybe(track.first_new_at),
        "last_old_at": maybe(track.last_old_at),
        "eta_at": maybe(change.eta_of(track)),
        "next_at": maybe(track.next_at),
        "since": instant(track.since),
    }
