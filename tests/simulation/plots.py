"""The comparison as pictures; the same figures give the same bytes.

matplotlib is no dependency of the project: only whoever draws needs it.
"""

import importlib
import itertools
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.simulation.progress import Curve
from tests.simulation.spells import HOUR, MINUTE
from tests.simulation.summary import Row

_RULES = {
    "svg.hashsalt": "simulation",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "hatch.color": "white",
    "lines.linewidth": 1.6,
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.1,
}
_INK = "#333333"
_FAINT = "#dddddd"


@dataclass(frozen=True, slots=True)
class _Look:
    """Colour, sign and shading together, so that none of them is needed."""

    colour: str  # from Okabe and Ito's palette, which the colour-blind can tell apart
    marker: str
    hatch: str


_LOOKS = (
    _Look("#D55E00", "o", ""),
    _Look("#E69F00", "s", "//"),
    _Look("#CC79A7", "^", ".."),
    _Look("#56B4E9", "v", "--"),
    _Look("#0072B2", "D", "xx"),
    _Look("#009E73", "*", ""),
    _Look("#000000", "P", "\\\\"),
)


def save_all(rows: Sequence[Row], folder: Path, curves: Sequence[Curve] = ()) -> None:
    """Write all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_premature(rows, folder / "premature.svg")
    save_cost(rows, folder / "cost.svg")
    for number, curve in enumerate(curves, start=1):
        save_progress(curve, folder / f"progress-{number}.svg")


def save_premature(rows: Sequence[Row], path: Path) -> None:
    """Draw how often each monitor was too early, with the interval of its share."""
    with _rules():
        figure, axes = _figure(8, 1.3 + 0.42 * len(rows))
        looks = _looks(rows)
        for place, row in enumerate(rows):
            _bar(axes, place, row, looks[row.name])
        axes.set_yticks(range(len(rows)), [row.name for row in rows])
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, _beyond(rows))
        axes.grid(axis="x", color=_FAINT)
        axes.set_xlabel("windows in which OLD could still be answered after the verdict, %")
        axes.set_title("Premature verdicts", loc="left", weight="bold")
        _save(figure, path)


def save_cost(rows: Sequence[Row], path: Path) -> None:
    """Draw what each monitor asks against how late it is, and how often it is wrong."""
    with _rules():
        figure, axes = _figure(9, 6)
        looks = _looks(rows)
        placed = [row for row in rows if row.delay_median is not None]
        for place, row in enumerate(placed):
            others = [other for n, other in enumerate(placed) if n != place]
            _point(axes, row, looks[row.name], label_below=_is_crowded(row, others))
        axes.set(xscale="log", yscale="log")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlim(0.3, 20_000)
        axes.set_ylim(min(row.questions for row in rows) / 2.5, 12_000)
        axes.grid(color=_FAINT)
        axes.set_xlabel("median delay of correct verdicts, s (what is less is drawn at 1)")
        axes.set_ylabel("questions to the resolver in 72 h")
        title = "Cost against delay, with the share of premature verdicts"
        axes.set_title(title, loc="left", weight="bold")
        _save(figure, path)


def save_progress(curve: Curve, path: Path) -> None:
    """Draw one window: what was so, what the monitor thought, and what it foretold."""
    unit, name = (HOUR, "hours") if curve.truth[-1][0] > 3 * HOUR else (MINUTE, "minutes")
    with _rules():
        figure, axes = _figure(9, 4.4)
        _steps(axes, curve.truth, unit, color="#0072B2", linewidth=2.2, label="truth")
        if curve.believed:
            look = {"color": "#D55E00", "linewidth": 1.6, "linestyle": "--"}
            _steps(axes, curve.believed, unit, label="the monitor's view", **look)
        for at, word, line in _instants(curve):
            if at is not None and at <= curve.truth[-1][0]:
                axes.axvline(at / unit, label=word, **line)
        axes.set_ylim(-3, 103)
        axes.set_xlim(0, curve.truth[-1][0] / unit)
        axes.grid(color=_FAINT)
        axes.set_xlabel(f"{name} since the change")
        axes.set_ylabel("clients who are told NEW, %")
        axes.set_title(curve.title, loc="left", weight="bold")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        _save(figure, path)


def _instants(curve: Curve) -> list[tuple[float | None, str, dict[str, Any]]]:
    # The truth's line is broad, so that a forecast that meets it is seen upon it.
    broad = {"color": "#0072B2", "linewidth": 6, "alpha": 0.3}
    return [
        (curve.done_at, "nobody told OLD any more", broad),
        (curve.verdict_at, "verdict", {"color": "#D55E00", "linestyle": "-."}),
        (curve.eta, "ETA", {"color": "#009E73", "linestyle": "-"}),
        (curve.bound, "bound", {"color": "#000000", "linestyle": ":"}),
    ]


def _bar(axes: Any, place: int, row: Row, look: _Look) -> None:
    share = 100 * row.premature.value
    low, high = (100 * end for end in row.premature.interval)
    axes.barh(place, share, color=look.colour, hatch=look.hatch, height=0.68)
    axes.plot([low, high], [place, place], color=_INK, linewidth=1.4)
    axes.plot([low, high], [place, place], color=_INK, marker="|", linestyle="")
    axes.annotate(f"{share:.1f} %", (high, place), (6, 0), textcoords="offset points", va="center")


def _point(axes: Any, row: Row, look: _Look, *, label_below: bool) -> None:
    spot = _spot(row)
    size = 170 if look.marker == "*" else 80
    axes.scatter(*spot, size, color=look.colour, marker=look.marker, edgecolors=_INK, zorder=3)
    axes.annotate(
        f"{row.name}\n{100 * row.premature.value:.1f} % premature",
        spot,
        (0, -9 if label_below else 9),
        textcoords="offset points",
        ha="center",
        va="top" if label_below else "bottom",
        fontsize=8,
    )


def _spot(row: Row) -> tuple[float, float]:
    return max(1.0, row.delay_median or 0.0), max(1.0, row.questions)


def _is_crowded(row: Row, others: Sequence[Row]) -> bool:
    """Whether another point, higher or further left, has its label where this one's would be."""
    x, y = map(math.log10, _spot(row))
    spots = [tuple(map(math.log10, _spot(other))) for other in others]
    return any(
        abs(left - x) < 0.75 and (0 < height - y < 0.35 or (height == y and left < x))
        for left, height in spots
    )


def _steps(axes: Any, points: Sequence[tuple[float, float]], unit: float, **look: Any) -> None:
    axes.step(
        [at / unit for at, _ in points], [100 * share for _, share in points], where="post", **look
    )


def _looks(rows: Sequence[Row]) -> dict[str, _Look]:
    """Give monitors that need the same evidence the same look."""
    families = list(dict.fromkeys(_family(row.name) for row in rows))
    looks = dict(zip(families, itertools.cycle(_LOOKS), strict=False))
    return {row.name: looks[_family(row.name)] for row in rows}


def _family(name: str) -> str:
    return name.rpartition(", ")[2] if name.startswith("naive") else name


def _beyond(rows: Sequence[Row]) -> float:
    return max(10.0, 1.18 * max(100 * row.premature.interval[1] for row in rows))


def _figure(width: float, height: float) -> tuple[Any, Any]:
    figure = _matplotlib("figure").Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def _rules() -> AbstractContextManager[None]:
    rules: AbstractContextManager[None] = _matplotlib().rc_context(_RULES)
    return rules


def _matplotlib(part: str = "") -> Any:
    return importlib.import_module(f"matplotlib.{part}" if part else "matplotlib")
