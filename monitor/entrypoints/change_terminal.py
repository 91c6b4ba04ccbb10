"""Changes, for people at a terminal."""

from collections.abc import Iterable
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from monitor.core.events import Record
from monitor.core.tracking.changes import AuthorityState, Change, ChangeState
from monitor.core.tracking.planning import LOW_TTL, Plan
from monitor.core.tracking.tracks import Track, TrackState
from monitor.entrypoints.history_table import history_table
from monitor.usecases.snapshot import Snapshot
from monitor.wording import CHANGE_SHAPE, TRACK_SHAPE, Wording

_NAMED = 3  # resolvers beside a bar: more would not fit
_STYLE = {
    ChangeState.SETTLED: "green",
    ChangeState.CONVERGED: "green",
    ChangeState.EXPIRED: "bold red",
    ChangeState.AUTH_SPLIT: "yellow",
    ChangeState.PROPAGATING: "yellow",
}
_TRACK_STYLE = {
    TrackState.OVERSTAY: "red",
    TrackState.REGRESSED: "red",
    TrackState.FLAPPING: "red",
    TrackState.UNREACHABLE: "magenta",
    TrackState.CONVERGED: "green",
    TrackState.SETTLED: "green",
}
_AUTHORITY_SHAPE = {
    AuthorityState.NEW: "✔",
    AuthorityState.OLD: "✖",
    AuthorityState.SILENT: "?",
}


class ChangeTerminal:
    """Prints in one language to one console, and its progress to another."""

    def __init__(self, console: Console, wording: Wording, aside: Console) -> None:
        self._console = console
        self._wording = wording
        self._aside = aside

    def show_changes(self, changes: Iterable[Change], snapshot: Snapshot) -> None:
        """Print one line for each change."""
        listed = list(changes)
        if not listed:
            self._console.print(self._wording.word("no_changes"))
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("change", "domain", "state", "what_changed", "progress", "eta"):
            table.add_column(self._wording.word(heading), overflow="fold")
        for change in listed:
            table.add_row(
                change.id,
                change.domain.display,
                self._state(change),
                self._from_to(change),
                f"{change.progress(snapshot.at, snapshot.weights):.0%}",
                self._when(change.eta()),
            )
        self._console.print(table)

    def show_change(self, change: Change, snapshot: Snapshot, story: Iterable[Record]) -> None:
        """Print one change: what, where it stands, who is late and why, and what happened."""
        records = list(story)
        self._console.print(self._head(change, snapshot))
        if change.authorities:
            self._console.print(Padding(self._authorities(change), (1, 0, 0, 2)))
        if change.tracks:
            self._console.print(Padding(self._tracks(change), (1, 0, 0, 2)))
        for advice in self._advice(change):
            self._console.print(Padding(advice, (0, 0, 0, 2)))
        if records:
            self._console.print(Padding(history_table(records, self._wording), (1, 0, 0, 2)))

    def show_plan(self, plan: Plan, target: str | None) -> None:
        """Print what a change would mean now, and the better way."""
        word = self._wording.word
        told = {
            "value": self._wording.value(plan.value),
            "target": target or word("plan_any_target"),
            "ttl": f"{plan.ttl.total_seconds():.0f}",
            "low": f"{LOW_TTL.total_seconds():.0f}",
            "old_until": self._when(plan.old_until),
            "then_at": self._when(plan.then_at),
            "drained_at": self._when(plan.drained_at),
        }
        lines = ["plan_now"]
        lines += ["plan_split"] if plan.is_split else []
        lines += ["plan_lower"] if plan.lower_first else []
        lines += ["plan_drain"] if plan.wait_first else []
        lines += [] if plan.has_advice else ["plan_fine"]
        for key in lines:
            style = "" if key in {"plan_now", "plan_fine"} else "cyan"
            self._console.print(Text(word(key).format(**told), style=style))

    def progress(self) -> Progress:
        """Return a bar that shows how far a change has come; silent off a terminal."""
        return Progress(
            BarColumn(20),
            TaskProgressColumn(),
            TextColumn("{task.description}"),
            console=self._aside,
            transient=True,
            disable=not self._aside.is_terminal,
        )

    def brief(self, change: Change | None, snapshot: Snapshot) -> str:
        """Return where a change stands, short enough to stand beside a bar."""
        if change is None:
            return self._wording.word("wait_nothing")
        parts = [self._wording.change_state(change.state)]
        if late := change.late:
            word = self._wording.word("wait_late")
            names = ", ".join(track.resolver for track in late[:_NAMED])
            more = " …" if len(late) > _NAMED else ""
            parts.append(word.format(late=len(late), total=len(change.tracks)))
            parts.append(f"{names}{more}")
        if (eta := change.eta()) is not None and change.is_pending and eta > snapshot.at:
            parts.append(f"{self._wording.word('eta')} {eta:%H:%M:%SZ}")
        return "  ".join(parts)

    def line(self, change: Change | None, snapshot: Snapshot) -> str:
        """Return where a change stands, in one line."""
        if change is None:
            return self._wording.word("wait_nothing")
        late = [
            f"{track.resolver} ({self._wording.track_state(track.state)})"
            for track in (*change.late, *change.unverified)
        ]
        progress = f"{change.progress(snapshot.at, snapshot.weights):.0%}"
        parts = [self._wording.change_state(change.state), progress]
        if (eta := change.eta()) is not None and change.is_pending and eta > snapshot.at:
            parts.append(f"{self._wording.word('eta')} {self._when(eta)}")
        return "  ".join([*parts, ", ".join(late)]).rstrip()

    def _head(self, change: Change, snapshot: Snapshot) -> RenderableType:
        word = self._wording.word
        title = Text.assemble(self._state(change), "  ", (change.domain.display, "bold"))
        if change.owner != change.domain:
            title.append(f"  {change.owner.display}")
        if change.view:
            title.append(f"  {change.view}", style="dim")
        title.append(f"  {self._wording.change_kind(change.kind)}  {change.id}", style="dim")
        standing = Text(f"  {self._wording.standing(change)}", style="bold")
        lines: list[RenderableType] = [title, standing, Text("  ").append(self._from_to(change))]
        told = [f"{word(key)} {self._when(at)}" for key, at in change.instants().items()]
        lines.append(Text("  " + " · ".join(told), style="dim"))
        share = f"{change.progress(snapshot.at, snapshot.weights):.0%}"
        covered = f"{change.coverage(snapshot.weights):.0%}"
        source = self._wording.change_source(change.source)
        who = "  ".join(part for part in (source, change.by, change.note) if part)
        lines.append(Text(f"  {word('progress')} {share} · {word('coverage')} {covered} · {who}"))
        return Group(*lines)

    def _authorities(self, change: Change) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("authority", "value", "ttl"):
            table.add_column(self._wording.word(heading), overflow="fold")
        table.add_column("serial")
        for it in change.authorities:
            shape = _AUTHORITY_SHAPE[it.state]
            ttl, serial = it.ttl, it.serial
            table.add_row(
                f"{shape} {it.server}",
                self._wording.value(it.value),
                "" if ttl is None else str(ttl),
                "" if serial is None else str(serial),
            )
        return table

    def _tracks(self, change: Change) -> Table:
        word = self._wording.word
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("resolver", "state", "caches", "eta", "reason"):
            table.add_column(word(heading), overflow="fold")
        for track in change.ordered:
            reason = self._wording.track_reason(track.reason) if track.reason else ""
            style = _TRACK_STYLE.get(track.state, "yellow")
            table.add_row(
                track.resolver,
                Text(self._track_state(track), style=style),
                f"≤ {track.caches}" if track.census.is_done else "",
                self._eta_of(change, track),
                reason,
            )
        return table

    def _eta_of(self, change: Change, track: Track) -> str:
        is_counted = change.all_authorities_at is not None and track.census.is_done
        return self._when(change.eta_of(track)) if is_counted else ""

    def _advice(self, change: Change) -> list[Text]:
        reasons = dict.fromkeys(track.reason for track in change.late if track.reason is not None)
        return [Text(f"→ {self._wording.track_advice(r)}", style="cyan") for r in reasons]

    def _track_state(self, track: Track) -> str:
        return f"{TRACK_SHAPE[track.state]} {self._wording.track_state(track.state)}"

    def _state(self, change: Change) -> Text:
        words = f"{CHANGE_SHAPE[change.state]} {self._wording.change_state(change.state)}"
        return Text(words, style=_STYLE.get(change.state, "dim"))

    def _from_to(self, change: Change) -> Text:
        return Text(f"{self._wording.value(change.old)} → {self._wording.value(change.new)}")

    def _when(self, at: datetime | None) -> str:
        if at is None:
            return self._wording.word("not_known")
        return at.strftime("%Y-%m-%d %H:%M:%SZ")
