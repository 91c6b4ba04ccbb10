"""What is known, for people at a terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from monitor.core.bindings import Binding
from monitor.core.chain import Chain
from monitor.core.events import Record
from monitor.core.inventory import AccountInventory
from monitor.core.state import DomainState, State
from monitor.core.status import DomainStatus, Remedy
from monitor.core.verdict import Verdict
from monitor.core.views import View
from monitor.entrypoints.history_table import history_table
from monitor.usecases.snapshot import Snapshot, urgency, wrong_first
from monitor.wording import STATUS_SHAPE, Wording, verdict_shape

_STATUS_STYLE = {
    DomainStatus.IN_EFFECT: "green",
    DomainStatus.PROPAGATING: "yellow",
    DomainStatus.PARTIAL: "yellow",
    DomainStatus.BROKEN: "bold red",
    DomainStatus.UNKNOWN: "magenta",
    DomainStatus.PAUSED: "dim",
}
_WIDEST_NAME = 40


class Terminal:
    """Prints in one language to one console, and its progress to another."""

    def __init__(self, console: Console, wording: Wording, aside: Console) -> None:
        self._console = console
        self._wording = wording
        self._aside = aside

    def progress(self) -> Progress:
        """Return a progress bar that is gone when it is done, and silent off a terminal."""
        return Progress(
            TextColumn(self._wording.word("checking")),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._aside,
            transient=True,
            disable=not self._aside.is_terminal,
        )

    def show_check(self, snapshot: Snapshot) -> None:
        """Print the matrix, and below it what is to be said of the domains not in effect."""
        self._console.print(self._matrix(snapshot))
        for domain in sorted(snapshot.domains, key=urgency):
            if domain.status.value is not DomainStatus.IN_EFFECT or domain.faults:
                self._console.print()
                self._console.print(self._account_of(snapshot, domain))

    def show_domain(
        self, snapshot: Snapshot, domain: DomainState, history: Iterable[Record]
    ) -> None:
        """Print everything that is known of one domain."""
        self._console.print(self._account_of(snapshot, domain))
        self._console.print(Padding(self._answers(snapshot, domain), (1, 0, 0, 2)))
        rows = list(history)
        if rows:
            self._console.print(Padding(history_table(rows, self._wording), (1, 0, 0, 2)))

    def show_inventory(self, state: State) -> None:
        """Print each account's bindings with their faults, and what could not be read."""
        for _, account in sorted(state.accounts.items()):
            self._console.print(self._inventory(account, state))
            for failure in account.failures:
                place = " ".join(part for part in (failure.scope.value, failure.bucket) if part)
                line = f"  ✖ {self._wording.word('unread')}: {place}: {failure.reason.value}"
                self._console.print(Text(f"{line}: {failure.detail}", style="red"))

    def _matrix(self, snapshot: Snapshot) -> RenderableType:
        """Cells say their verdict in words, or by shape, or are only counted, as there is room."""
        in_words = self._table(snapshot, is_wide=True)
        if self._has_room_for(in_words):
            return in_words
        in_shapes = self._table(snapshot, is_wide=False)
        if self._has_room_for(in_shapes):
            return Group(in_shapes, self._legend(snapshot))
        return self._counts(snapshot)

    def _has_room_for(self, table: Table) -> bool:
        unbounded = self._console.options.update(width=9999)
        wanted = Measurement.get(self._console, unbounded, table).maximum
        return wanted <= self._console.width

    def _table(self, snapshot: Snapshot, *, is_wide: bool) -> Table:
        table = self._headed(snapshot)
        for number, resolver in enumerate(snapshot.resolvers, start=1):
            table.add_column(resolver.name if is_wide else str(number), no_wrap=True)
        for domain in snapshot.domains:
            views = [domain.resolvers.get(resolver.name) for resolver in snapshot.resolvers]
            cells = [self._cell(view, is_wide=is_wide) for view in views]
            authority = self._cell(_telling(domain.authorities.values()), is_wide=is_wide)
            table.add_row(domain.domain.display, self._status(domain), authority, *cells)
        return table

    def _counts(self, snapshot: Snapshot) -> Table:
        table = self._headed(snapshot)
        table.add_column(self._wording.word("resolvers"), no_wrap=True)
        for domain in snapshot.domains:
            authority = self._cell(_telling(domain.authorities.values()), is_wide=False)
            shapes = Counter(
                (verdict_shape(view.verdict), _verdict_style(view.verdict))
                for _, view in snapshot.views(domain)
            )
            counted = Text("  ").join(
                Text(f"{shape} {count}", style) for (shape, style), count in sorted(shapes.items())
            )
            table.add_row(domain.domain.display, self._status(domain), authority, counted)
        return table

    def _headed(self, snapshot: Snapshot) -> Table:
        word = self._wording.word
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(word("domain"), overflow="fold", min_width=_name_width(snapshot))
        table.add_column(word("status"), no_wrap=True)
        table.add_column(word("authority"), no_wrap=True)
        return table

    def _legend(self, snapshot: Snapshot) -> Text:
        names = (f"{n} {r.name}" for n, r in enumerate(snapshot.resolvers, start=1))
        return Text("   ".join(names), style="dim")

    def _status(self, domain: DomainState) -> Text:
        status = domain.status.value
        words = f"{STATUS_SHAPE[status]} {self._wording.status(status)}"
        return Text(words, style=_STATUS_STYLE[status])

    def _cell(self, view: View | None, *, is_wide: bool) -> Text:
        if view is None:
            return Text("·", style="dim")
        shape = verdict_shape(view.verdict)
        words = f"{shape} {self._wording.verdict(view.verdict.kind)}" if is_wide else shape
        return Text(words, style=_verdict_style(view.verdict))

    def _account_of(self, snapshot: Snapshot, domain: DomainState) -> RenderableType:
        word, binding = self._wording.word, domain.binding
        title = Text.assemble(self._status(domain), "  ", (domain.domain.display, "bold"))
        if domain.domain.display != domain.domain.text:
            title.append(f" ({domain.domain.text})", style="dim")
        if binding is not None:
            title.append(f"  {word('bound_to')} {binding.target.name}")
        lines: list[RenderableType] = [title]
        notes = [f"  ! {fault}" for fault in self._faults(domain)]
        notes += [f"    {rival.account}: {rival.target.name}" for rival in domain.rivals]
        lines.extend(Text(note, style="yellow") for note in notes)
        if binding is not None:
            groups = _by_meaning(_all_views(snapshot, domain))
            lines.extend(
                self._said(servers, view, binding, snapshot.remedy(domain, view))
                for servers, view in groups
            )
        return Group(*lines)

    def _said(
        self, servers: list[str], view: View, binding: Binding, remedy: Remedy
    ) -> RenderableType:
        verdict, wording = view.verdict, self._wording
        style = _verdict_style(verdict)
        head = f"{verdict_shape(verdict)} {wording.verdict(verdict.kind)}"
        said_by = f"  {wording.word('said_by')} "
        below: list[Text] = []
        if verdict.chain.links:
            below.append(drawn(verdict.chain))
        below.append(Text(wording.reason(verdict, binding)))
        if advice := wording.advice(verdict, binding, remedy):
            below.append(Text(f"→ {advice}", style="cyan"))
        title = Text.assemble((head, style), (said_by, "dim"), ", ".join(servers))
        return Padding(Group(title, Padding(Group(*below), (0, 0, 0, 4))), (0, 0, 0, 2))

    def _answers(self, snapshot: Snapshot, domain: DomainState) -> Table:
        word = self._wording.word
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("resolver", "verdict", "rule", "ttl"):
            table.add_column(word(heading), overflow="fold")
        for heading in ("ms", "NSID", "EDE"):
            table.add_column(heading)
        for server, view in _all_views(snapshot, domain):
            table.add_row(server, self._cell(view, is_wide=True), *_evidence(view))
        return table

    def _faults(self, domain: DomainState) -> list[str]:
        return [self._wording.fault(f) for f in sorted(domain.faults, key=lambda f: f.value)]

    def _inventory(self, account: AccountInventory, state: State) -> Table:
        word = self._wording.word
        table = Table(title=f"{account.account}", title_justify="left", box=None, pad_edge=False)
        for heading in ("domain", "bucket", "target"):
            table.add_column(word(heading), overflow="fold")
        table.add_column("")
        for binding in account.bindings:
            domain, name = state.domains.get(binding.domain), binding.domain.display
            notes = self._faults(domain) if domain else ()
            table.add_row(name, binding.bucket, str(binding.target.name), "\n".join(notes))
        return table


def drawn(chain: Chain) -> Text:
    """Return the chain in one line, with what each record's time to live is."""
    text = Text(str(chain.domain))
    for link in chain.links:
        text.append(f" ─{link.ttl}s→ ", style="dim")
        text.append(str(link.target))
    if chain.addresses:
        text.append(" → ", style="dim")
        text.append(", ".join(chain.addresses))
    return text


def _name_width(snapshot: Snapshot) -> int:
    longest = max((cell_len(domain.domain.display) for domain in snapshot.domains), default=0)
    return min(longest, _WIDEST_NAME)


def _verdict_style(verdict: Verdict) -> str:
    if verdict.is_in_effect is None:
        return "magenta"
    return "green" if verdict.is_in_effect else "red"


def _evidence(view: View) -> Iterator[str]:
    reply = view.reply
    ttl = view.verdict.chain.first_ttl
    yield view.verdict.rule.value
    yield "" if ttl is None else str(ttl)
    yield f"{reply.rtt.total_seconds() * 1000:.1f}"
    yield getattr(reply.outcome, "nsid", None) or ""
    errors = getattr(reply.outcome, "extended_errors", ())
    yield ", ".join(str(error.code) for error in errors)


def _telling(views: Iterable[View]) -> View | None:
    """The authority's view that tells most: a wrong one before none before a right one."""
    ranked = sorted(
        views, key=lambda view: (view.verdict.is_in_effect is None, view.verdict.is_in_effect)
    )
    return ranked[0] if ranked else None


def _all_views(snapshot: Snapshot, domain: DomainState) -> list[tuple[str, View]]:
    authorities = sorted(domain.authorities.items())
    return [*authorities, *((resolver.name, view) for resolver, view in snapshot.views(domain))]


def _by_meaning(views: list[tuple[str, View]]) -> list[tuple[list[str], View]]:
    """Join the servers that say the same, wrong answers first."""
    groups: dict[tuple[object, ...], tuple[list[str], View]] = {}
    for server, view in views:
        verdict = view.verdict
        key = (verdict.kind, verdict.rule, verdict.seen, verdict.chain.targets)
        groups.setdefault(key, ([], view))[0].append(server)
    return sorted(groups.values(), key=lambda g: wrong_first(g[1].verdict))
