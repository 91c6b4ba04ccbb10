"""Changes: how far each has come, who is late and why, and until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from monitor.core.events import Record
from monitor.core.tracking.changes import Change
from monitor.core.tracking.curve import curve_of
from monitor.core.tracking.entries import Entry
from monitor.core.tracking.tracks import Track
from monitor.entrypoints.curve_svg import curve_in_words, progress_svg
from monitor.entrypoints.web.pages.rendering import Frame, address_of, rendered
from monitor.usecases.snapshot import Snapshot
from monitor.wording.history import entry


@dataclass(frozen=True, slots=True)
class Progress:
    """A change and how far it has come by now: `share` and `coverage` from 0 to 1.

    `eta` is None where nobody can say.
    """

    change: Change
    share: float
    coverage: float
    eta: datetime | None


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
        standing=frame.words.standing(change),
        # Its texts are escaped where it is drawn.
        curve=Markup(progress_svg(curve, frame.words, at=snapshot.at)),  # noqa: S704
        curve_words=curve_in_words(curve, frame.words) if curve.seen else (),
        instants=change.instants(),
        rows=[_row(change, track, snapshot.at) for track in change.ordered],
        story=[entry(record, frame.words) for record in story],
    )


def progress_of(snapshot: Snapshot, change: Change) -> Progress:
    share = change.progress(snapshot.at, snapshot.weights)
    return Progress(change, share, change.coverage(snapshot.weights), change.eta())


def _row(change: Change, track: Track, now: datetime) -> Row:
    old = sorted(
        (entry for entry in track.entries if not entry.is_new and entry.is_alive(now)),
        key=lambda entry: entry.expires_at,
    )
    return Row(track, track.progress(now), change.eta_of(track), tuple(old))
