"""Changes: how far each has come, who is late and why, and until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from monitor.core.events import Record
from monitor.core.tracking.changes import Change
from monitor.core.tracking.curve import curve_of
from monitor.core.tracking.entries import Entry
from monitor.core.tracking.tracks import Track, TrackState
from monitor.entrypoints.curve_svg import curve_in_words, progress_svg
from monitor.entrypoints.web.pages.rendering import Frame, address_of, rendered
from monitor.usecases.snapshot import Snapshot
from monitor.wording import Wording
from monitor.wording.history import entry


@dataclass(frozen=True, slots=True)
class Progress:
    """A change and how far it has come by now: `share` and `coverage` from 0 to 1.

    `eta` is None where nobody can say; `late` are the resolvers that have not got it.
    """

    change: Change
    share: float
    coverage: float
    eta: datetime | None
    late: tuple[Track, ...]
    unreachable: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One resolver's way through a change; `share` is None where nothing is known."""

    track: Track
    share: float | None
    eta: datetime | None
    old: tuple[Entry, ...]


def changes_page(
    frame: Frame,
    snapshot: Snapshot,
    changes: Sequence[Change] | None,
    *,
    only_open: bool,
    following: str | None,
) -> str:
    """Return a list of changes, newest first; None where they could not be read."""
    wanted = {"open": "true" if only_open else ""}
    return rendered(
        "changes.html",
        frame,
        changes=None if changes is None else [progress_of(snapshot, one) for one in changes],
        only_open=only_open,
        next_url=address_of("/changes", {**wanted, "cursor": following or ""})
        if following
        else "",
    )


def change_page(
    frame: Frame,
    snapshot: Snapshot,
    change: Change,
    story: Sequence[Record],
) -> str:
    """Everything that is known of one change, and its `story` as the audit log tells it."""
    found = progress_of(snapshot, change)
    told = (record.event for record in story)
    curve = curve_of(change, told, snapshot.weights, snapshot.at)
    return rendered(
        "change.html",
        frame,
        change=change,
        progress=found,
        verdict=verdict_on(found, frame.words),
        # Its texts are escaped where it is drawn.
        curve=Markup(progress_svg(curve, frame.words, at=snapshot.at)),  # noqa: S704
        curve_words=curve_in_words(curve, frame.words) if curve.seen else (),
        instants=change.instants(),
        rows=[_row(change, track, snapshot.at) for track in _ordered(change.tracks)],
        story=[entry(record, frame.words) for record in story],
    )


def progress_of(snapshot: Snapshot, change: Change) -> Progress:
    tracks = _ordered(change.tracks)
    return Progress(
        change,
        change.progress(snapshot.at, snapshot.weights),
        change.coverage(snapshot.weights),
        change.eta(),
        tuple(track for track in tracks if not track.state.has_converged and _answers(track)),
        tuple(track for track in tracks if not _answers(track)),
    )


def verdict_on(found: Progress, words: Wording) -> str:
    """Say in a sentence whether everybody has the change by now, and if not, until when."""
    return words.word(f"change_is_{found.change.state.value}").format(
        late=len(found.late), total=len(found.change.tracks)
    )


def _row(change: Change, track: Track, now: datetime) -> Row:
    old = sorted(
        (entry for entry in track.entries if not entry.is_new and entry.is_alive(now)),
        key=lambda entry: entry.expires_at,
    )
    return Row(track, track.progress(now), change.eta_of(track), tuple(old))


def _ordered(tracks: Mapping[str, Track]) -> list[Track]:
    """Those first that somebody must look at, then those that are waited for."""
    return sorted(tracks.values(), key=lambda track: (_URGENCY.index(track.state), track.resolver))


def _answers(track: Track) -> bool:
    return track.state not in {TrackState.UNREACHABLE, TrackState.UNKNOWN}


_URGENCY = (
    TrackState.OVERSTAY,
    TrackState.REGRESSED,
    TrackState.FLAPPING,
    TrackState.WAITING,
    TrackState.CONFIRMING,
    TrackState.CENSUS,
    TrackState.AUTH_WAIT,
    TrackState.UNREACHABLE,
    TrackState.UNKNOWN,
    TrackState.CONVERGED,
    TrackState.SETTLED,
)
