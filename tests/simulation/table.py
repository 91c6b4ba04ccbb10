"""The comparison as tables that can be pasted into a document."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table

from tests.simulation.kinds import Kind
from tests.simulation.run import Outcome
from tests.simulation.summary import Row, Share, summarise

_BY_MONITOR = (
    "Monitor",
    "q to verdict",
    "q in 72 h",
    "delay median",
    "p90",
    "premature (95 %)",
    "settled premature",
    "old traffic",
    "undecided",
    "regressions in",
)
_BY_KIND = (
    "Kind",
    "windows",
    "q to verdict",
    "q in 72 h",
    "delay median",
    "premature (95 %)",
    "undecided",
    "regressions in",
    "overstays",
    "ETA ± 60 s",
    "bound broken",
)


def by_monitor(rows: Iterable[Row]) -> Table:
    """One line for each monitor."""
    table = _table(_BY_MONITOR)
    for row in rows:
        table.add_row(
            row.name,
            f"{row.questions_to_verdict:.0f}",
            f"{row.questions:.0f}",
            _seconds(row.delay_median),
            _seconds(row.delay_p90),
            _with_interval(row.premature),
            _percent(row.settled_premature.value),
            _percent(row.old_traffic),
            _percent(row.undecided.value),
            _percent(row.regressing.value),
        )
    return table


def by_kind(name: str, outcomes: Sequence[Outcome]) -> Table:
    """One line for each kind of resolver that one monitor met."""
    table = _table(_BY_KIND, title=name)
    for kind in Kind:
        met = [outcome for outcome in outcomes if outcome.kind is kind]
        if met:
            table.add_row(*_kind_cells(summarise(kind.value, met)))
    return table


def _kind_cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        str(row.windows),
        f"{row.questions_to_verdict:.0f}",
        f"{row.questions:.0f}",
        _seconds(row.delay_median),
        _with_interval(row.premature),
        _percent(row.undecided.value),
        _percent(row.regressing.value),
        _percent(row.overstaying.value),
        _if_any(row.eta_within_a_minute),
        _if_any(row.broken_bounds),
    )


def _table(columns: Sequence[str], title: str | None = None) -> Table:
    table = Table(title=title, box=box.MARKDOWN, title_justify="left")
    for column in columns:
        is_text = column in ("Monitor", "Kind")
        table.add_column(column, justify="left" if is_text else "right", no_wrap=True)
    return table


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} s"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _if_any(share: Share) -> str:
    return _percent(share.value if share.of else None)


def _with_interval(share: Share) -> str:
    low, high = share.interval
    return f"{_percent(share.value)} ({100 * low:.1f}–{100 * high:.1f})"
