"""Show the dashboards' data as text, without a Grafana: for reviews and release notes.

python -m tools.dashboards.preview http://127.0.0.1:9090 --domain img.example.com overview
"""

import argparse
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, Protocol

import requests
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from tools.dashboards.asking import Question, filled, intervals, questions
from tools.dashboards.shipped import files, loaded

_POINTS = 40  # of a line over the range that is shown
_BARS = "▁▂▃▄▅▆▇█"

Series = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class About:
    """Of whom the dashboards are asked, and over how many seconds until now."""

    domain: str
    job: str = "oss-cname-monitor"
    shown: float = 3600.0


class Ask(Protocol):
    """Asks a question, and returns its series as the HTTP API of Prometheus has them."""

    def __call__(self, question: Question) -> Sequence[Series]: ...


def rendered(
    dashboard: Mapping[str, Any], values: Mapping[str, str], ask: Ask
) -> Iterator[RenderableType]:
    """Yield the panels of a dashboard, each with what it shows."""
    asked = {
        title: list(group)
        for title, group in groupby(questions(dashboard, values), lambda q: (q.panel, q.kind))
    }
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield Text(f"\n── {panel['title']} ──", style="bold")
            continue
        answers = [(q, ask(q)) for q in asked[panel["title"], panel["type"]]]
        match panel["type"]:
            case "stat":
                yield _stat(panel, answers)
            case "table":
                yield _table(panel, answers)
            case _:
                yield _lines(panel, answers)


Answers = Sequence[tuple[Question, Sequence[Series]]]


def _stat(panel: Mapping[str, Any], answers: Answers) -> Text:
    defaults = panel["fieldConfig"]["defaults"]
    shown = [
        _called(question, series) if question.legend else _worded(defaults, series["value"][1])
        for question, found in answers
        for series in found
    ]
    return Text(f"{panel['title']}: {', '.join(shown) or defaults.get('noValue', 'no data')}")


def _table(panel: Mapping[str, Any], answers: Answers) -> RenderableType:
    (organize,) = (t["options"] for t in panel["transformations"] if t["id"] == "organize")
    joins = [t["options"]["byField"] for t in panel["transformations"] if t["id"] == "joinByField"]
    titles = organize["renameByName"]
    cells = {
        override["matcher"]["options"]: {p["id"]: p.get("value") for p in override["properties"]}
        for override in panel["fieldConfig"]["overrides"]
    }
    rows: dict[object, dict[str, str]] = {}
    for question, found in answers:
        value = f"Value #{question.ref}" if joins else "Value"
        for rank, series in enumerate(found):
            key = series["metric"].get(joins[0]) if joins else rank
            rows.setdefault(key, {}).update({**series["metric"], value: series["value"][1]})
    if not rows:
        return Text(f"{panel['title']}: {panel['fieldConfig']['defaults'].get('noValue')}")
    table = Table(*titles.values(), title=panel["title"], title_justify="left")
    for row in rows.values():
        table.add_row(
            *(
                _worded(cells[title], row[name]) if name in row else ""
                for name, title in titles.items()
            )
        )
    return table


def _lines(panel: Mapping[str, Any], answers: Answers) -> RenderableType:
    defaults = panel["fieldConfig"]["defaults"]
    named = {
        override["matcher"]["options"]: property_["value"]
        for override in panel["fieldConfig"]["overrides"]
        for property_ in override["properties"]
        if property_["id"] == "displayName"
    }
    lines = []
    for question, found in answers:
        for series in found:
            values = [value for _, value in series.get("values", [series.get("value")])]
            name = _called(question, series)
            if panel["type"] == "state-timeline":
                shown = " → ".join(_worded(defaults, value) for value, _ in groupby(values))
            else:
                shown = f"{_sparkline(values)} {_worded(defaults, values[-1])}"
            lines.append(Text(f"  {named.get(name, name):<28} {shown}"))
    return Group(Text(panel["title"]), *(lines or [Text("  no data")]))


def _called(question: Question, series: Series) -> str:
    legend = question.legend
    for label, value in series["metric"].items():
        legend = legend.replace(f"{{{{{label}}}}}", value)
    return legend


def _worded(look: Mapping[str, Any], value: str) -> str:
    """Return a value in the words, or else in the unit, that the panel gives it."""
    for mapping in look.get("mappings") or ():
        if (shown := mapping["options"].get(value)) is not None:
            return str(shown["text"])
    try:
        number = float(value)
    except ValueError:
        return value
    return _UNITS.get(look.get("unit", ""), _plain)(number)


def _plain(number: float) -> str:
    return f"{number:.4g}"


def _left(seconds: float) -> str:
    left = timedelta(seconds=round(abs(seconds)))
    return f"{left} ago" if seconds < 0 else f"{left}"


def _instant(milliseconds: float) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%m-%d %H:%M:%S}Z"


_UNITS: Mapping[str, Callable[[float], str]] = {
    "percentunit": "{:.0%}".format,
    "s": "{:.3g} s".format,
    "reqps": "{:.3g}/s".format,
    "bytes": lambda number: f"{number / 2**20:.0f} MiB",
    "dtdhms": _left,
    "dtdurations": _left,
    "dateTimeAsIso": _instant,
    "dateTimeFromNow": _instant,
}


def _sparkline(values: Iterable[str]) -> str:
    numbers = [float(value) for value in values]
    known = [number for number in numbers if not math.isnan(number)] or [0.0]
    low, span = min(known), (max(known) - min(known)) or 1.0
    steps = len(_BARS) - 1
    return "".join(
        "·" if math.isnan(number) else _BARS[round((number - low) / span * steps)]
        for number in numbers
    )


def _ask(prometheus: str, shown: float, question: Question) -> Sequence[Series]:
    now = time.time()
    what, params = "query", {"query": question.expr}
    if not question.is_instant:
        step = shown / _POINTS
        what = "query_range"
        params |= {"start": f"{now - shown}", "end": f"{now}", "step": f"{step}"}
    answer = requests.post(f"{prometheus}/api/v1/{what}", data=params, timeout=30)
    answer.raise_for_status()
    found: Sequence[Series] = answer.json()["data"]["result"]
    return found


def show(console: Console, prometheus: str, about: About, names: Collection[str] = ()) -> None:
    """Print the dashboards of these names, or all, with what Prometheus answers now."""
    values = dict.fromkeys(("account", "bucket", "resolver"), ".*")
    values |= {"job": about.job, "domain": about.domain}
    values |= intervals(about.shown / _POINTS, about.shown)
    for file in files():
        if not names or file.removesuffix(".json") in names:
            dashboard = loaded(file)
            console.rule(filled(dashboard["title"], values))
            ask = partial(_ask, prometheus.rstrip("/"), about.shown)
            console.print(*rendered(dashboard, values, ask), sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Show the dashboards' data as text.")
    parser.add_argument("prometheus", help="where it is, such as http://127.0.0.1:9090")
    parser.add_argument("names", nargs="*", default=[], help="overview, domain, ... (all)")
    parser.add_argument("--job", default="oss-cname-monitor")
    parser.add_argument("--domain", required=True)
    parser.add_argument("--shown", type=float, default=3600.0, help="the range, in seconds")
    chosen = parser.parse_args()
    about = About(chosen.domain, chosen.job, chosen.shown)
    show(Console(), chosen.prometheus, about, chosen.names)


if __name__ == "__main__":
    main()
