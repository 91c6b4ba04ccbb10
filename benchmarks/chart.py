"""The duel as a picture, readable on a light and on a dark page."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Picture

from benchmarks.contenders import FLOOR, OURS
from benchmarks.figures import Figure, brief

_INK = "#757a82"  # as far from a white page as from a dark one
_OURS, _THEIRS, _FLOOR = "#d55e00", "#3d8fc4", _INK
_RULES: Any = {
    "svg.hashsalt": "duel",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.left": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    **dict.fromkeys(["text.color", "axes.labelcolor", "axes.edgecolor"], _INK),
    **dict.fromkeys(["xtick.color", "ytick.color"], _INK),
}


def save_chart(figures: Sequence[Figure], repeats: int, path: Path) -> None:
    """Draw what a million probes cost each contender, the least first."""
    ranked = sorted(figures, key=lambda figure: figure.cost.middle)
    with mpl.rc_context(_RULES):
        picture = Picture(figsize=(9, 1.7 + 0.36 * len(ranked)), layout="constrained")
        axes = picture.add_subplot()
        for place, figure in enumerate(ranked):
            _bar(axes, place, figure, ranked)
        axes.set_yticks(range(len(ranked)), [figure.row for figure in ranked])
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.set_xlim(1, ranked[-1].cost.most * 5)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(axis="x", color=_INK, alpha=0.25)
        axes.set_title(
            "CPU seconds for a million probes: less is better", loc="left", weight="bold"
        )
        axes.set_xlabel(_caption(ranked, repeats), fontsize=8, loc="left")
        picture.savefig(
            path, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )


def _bar(axes: Any, place: int, figure: Figure, ranked: Sequence[Figure]) -> None:
    cost = figure.cost
    axes.barh(place, cost.middle, color=_colour(figure.row), height=0.66)
    axes.plot([cost.least, cost.most], [place, place], color=_INK, marker="|", linewidth=1.2)
    axes.annotate(
        f"{brief(cost.middle)} s{_ratio(figure, ranked)}",
        (cost.most, place),
        (7, 0),
        textcoords="offset points",
        va="center",
    )


def _ratio(figure: Figure, others: Sequence[Figure]) -> str:
    """Return the cost as a multiple of ours, or of the floor's where ours is absent."""
    costs = {other.row: other.cost.middle for other in others}
    for row, word in ((OURS, "ours"), (FLOOR, "the floor")):
        if row in costs:
            return f" = {brief(figure.cost.middle / costs[row])} × {word}"
    return ""


def _colour(row: str) -> str:
    if row == FLOOR:
        return _FLOOR
    return _OURS if row.startswith("ours") else _THEIRS


def _caption(figures: Sequence[Figure], repeats: int) -> str:
    sizes: dict[int, list[str]] = {}
    for figure in figures:
        sizes.setdefault(figure.names, []).append(figure.row)
    largest_first = sorted(sizes.items(), reverse=True)
    told = "; ".join(f"{names:,}: {', '.join(rows)}" for names, rows in largest_first)
    return textwrap.fill(
        f"A logarithmic scale; medians of {repeats} turns each, with the least and the most. Over"
        f" loopback, {figures[0].resolvers} resolvers, and names asked of each of them: {told}.",
        width=105,
    )
