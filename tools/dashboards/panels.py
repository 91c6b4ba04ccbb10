"""Panels as these dashboards want them: each says what it shows and what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as shape
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMapping,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from tools.dashboards.words import BLUE, VERMILION, Words, coded, mapping_of, numbered

SOURCE = shape.DataSourceRef("prometheus", "${datasource}")

P = TypeVar("P", bargauge.Panel, stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel)


@dataclass(frozen=True, slots=True)
class About:
    """What stands above a panel and behind its "i"; `wide` and `high` in cells of the grid."""

    title: str
    description: str
    wide: int = 4
    high: int = 4


@dataclass(frozen=True, slots=True)
class Query:
    """A question to Prometheus, and what its series are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """How values are shown: in the colour `base`, and from a step on in that of the step."""

    unit: str = "short"
    base: str = BLUE
    steps: Mapping[float, str] = field(default_factory=dict)
    words: Words = field(default_factory=dict)
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    nothing: str = ""

    @property
    def thresholds(self) -> Sequence[Threshold]:
        later = [Threshold(at, colour) for at, colour in self.steps.items()]
        return [Threshold(None, self.base), *later]

    @property
    def mappings(self) -> list[ValueMapping]:
        return [mapping_of(self.words)] if self.words else []


RATIO = Look("percentunit", decimals=0, low=0, high=1)
COUNT = Look("short", decimals=0, low=0)
SECONDS = Look("s", low=0)
INSTANT = Look("dateTimeAsIso")
# How long until then; after it "ago", in another colour.
COUNTDOWN = Look("dtdhms", base=VERMILION, steps={0: BLUE})


def state_look(words: Words, nothing: str = "") -> Look:
    """Return the look of the values of `coded`."""
    return Look("short", words=numbered(words), nothing=nothing)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: of a label where `query` is empty, else of a query's value."""

    title: str
    query: str = ""
    label: str = ""
    look: Look = COUNT
    cell: str = "auto"
    link: tuple[str, str] = ("", "")
    wide: int = 0


def number(about: About, query: Query, look: Look, *, is_filled: bool = True) -> stat.Panel:
    """Return one number, or one word, large: of now, whatever the range that is shown."""
    mode = shape.BigValueColorMode.BACKGROUND_SOLID if is_filled else shape.BigValueColorMode.VALUE
    panel = (
        _dressed(stat.Panel(), about, look)
        .with_target(_target(query, "A").instant())
        .color_mode(mode)
        .graph_mode(shape.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False))
    )
    if query.legend:
        panel.text_mode(shape.BigValueTextMode.NAME)
    return panel


def lines(
    about: About,
    queries: Sequence[Query],
    look: Look,
    *,
    words: Words | None = None,
    is_stacked: bool = False,
) -> timeseries.Panel:
    """Return lines over time; series that are called by one of `words` wear its colour."""
    panel = _dressed(timeseries.Panel(), about, look)
    _ask_over_time(panel, queries)
    panel.fill_opacity(60 if is_stacked else 8).line_width(1 if is_stacked else 2)
    panel.show_points(shape.VisibilityMode.AUTO).span_nulls(span_nulls=False)
    panel.tooltip(
        common.VizTooltipOptions()
        .mode(shape.TooltipDisplayMode.MULTI)
        .sort(shape.SortOrder.DESCENDING)
    )
    panel.legend(
        common.VizLegendOptions()
        .display_mode(shape.LegendDisplayMode.TABLE)
        .placement(shape.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
        .calcs(["lastNotNull", "max"])
    )
    if is_stacked:
        panel.stacking(common.StackingConfig().mode(shape.StackingMode.NORMAL).group("A"))
    else:
        panel.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    if look.steps:
        panel.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(shape.GraphThresholdsStyleMode.DASHED)
        )
    for word, shown in (words or {}).items():
        colour = {"mode": "fixed", "fixedColor": shown.colour}
        panel.override_by_name(
            word,
            [DynamicConfigValue("color", colour), DynamicConfigValue("displayName", shown.text)],
        )
    return panel


def timeline(about: About, queries: Sequence[Query], look: Look) -> statetimeline.Panel:
    """Return one bar per series, cut where its state changes."""
    panel = _dressed(statetimeline.Panel(), about, look)
    _ask_over_time(panel, queries)
    return (
        panel.merge_values(merge_values=True)
        .show_value(shape.VisibilityMode.AUTO)
        .align_value(shape.TimelineValueAlignment.LEFT)
        .row_height(0.85)
        .fill_opacity(85)
        .line_width(0)
        .per_page(20)
        .legend(common.VizLegendOptions().show_legend(show_legend=False))
        .tooltip(common.VizTooltipOptions().mode(shape.TooltipDisplayMode.SINGLE))
    )


def states(
    about: About, metric: str, label: str, words: Words, *, where: str, by: str
) -> statetimeline.Panel:
    """Return the timeline of the word that the metric's label holds, a bar for each `by`."""
    query = Query(coded(metric, label, words, where=where, by=by), f"{{{{{by}}}}}")
    return timeline(about, [query], state_look(words))


def bars(about: About, query: Query, look: Look) -> bargauge.Panel:
    """Return a bar for each series, of now."""
    return (
        _dressed(bargauge.Panel(), about, look)
        .with_target(_target(query, "A").instant())
        .orientation(shape.VizOrientation.HORIZONTAL)
        .display_mode(shape.BarGaugeDisplayMode.BASIC)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False))
    )


def rows(
    about: About, columns: Sequence[Column], *, key: str, nothing: str, sort: tuple[str, bool]
) -> table.Panel:
    """Return a table of now.

    The first query names the rows: its labels are the columns that have a `label`. The others are
    joined to it by `key`. `sort` is a column, and whether its greatest is first.
    """
    panel = _dressed(table.Panel(), about, Look(nothing=nothing))
    asking = [column for column in columns if column.query]
    for ref, column in zip("ABCDEFGHIJKLMNOP", asking, strict=False):
        target = _target(Query(column.query), ref).instant().format(PromQueryFormat.TABLE)
        panel.with_target(target)
    names = {
        column.label or _value_name(asking, column): column for column in columns if column.title
    }
    if len(asking) > 1:
        panel.with_transformation(
            DataTransformerConfig("joinByField", options={"byField": key, "mode": "outer"})
        )
    hidden = ["Time", *(f"Time {rank}" for rank, _ in enumerate(asking, start=1))]
    hidden += [_value_name(asking, column) for column in asking if not column.title]
    panel.with_transformation(
        DataTransformerConfig(
            "organize",
            options={
                "excludeByName": dict.fromkeys(hidden, True),
                "indexByName": {name: rank for rank, name in enumerate(names)},
                "renameByName": {name: column.title for name, column in names.items()},
            },
        )
    )
    by, is_greatest_first = sort
    panel.sort_by([common.TableSortByFieldState().display_name(by).desc(is_greatest_first)])
    for column in names.values():
        panel.override_by_name(column.title, _properties(column))
    return panel


def _dressed(panel: P, about: About, look: Look) -> P:
    panel.title(about.title).description(about.description).datasource(SOURCE)
    panel.span(about.wide).height(about.high).unit(look.unit)
    steps = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE)
    panel.thresholds(steps.steps(list(look.thresholds)))
    panel.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    if look.words:
        panel.mappings(look.mappings)
    if look.decimals is not None:
        panel.decimals(look.decimals)
    if look.low is not None:
        panel.min(look.low)
    if look.high is not None:
        panel.max(look.high)
    if look.nothing:
        panel.no_value(look.nothing)
    return panel


def _target(query: Query, ref: str) -> prometheus.Dataquery:
    target = prometheus.Dataquery().datasource(SOURCE).expr(query.expr).ref_id(ref)
    return target.legend_format(query.legend) if query.legend else target


def _ask_over_time(
    panel: statetimeline.Panel | timeseries.Panel, queries: Sequence[Query]
) -> None:
    for ref, query in zip("ABCDEFGH", queries, strict=False):
        panel.with_target(_target(query, ref).range())


def _value_name(asking: Sequence[Column], column: Column) -> str:
    """Return what Grafana calls a query's value: by its letter where there are several."""
    return f"Value #{'ABCDEFGHIJKLMNOP'[asking.index(column)]}" if len(asking) > 1 else "Value"


def _properties(column: Column) -> list[DynamicConfigValue]:
    look = column.look
    found = [
        DynamicConfigValue("unit", look.unit),
        DynamicConfigValue("custom.cellOptions", {"type": column.cell}),
    ]
    if look.words:
        found.append(DynamicConfigValue("mappings", look.mappings))
    if look.steps:
        steps = {"mode": "absolute", "steps": list(look.thresholds)}
        found.append(DynamicConfigValue("thresholds", steps))
    for name, value in (("decimals", look.decimals), ("min", look.low), ("max", look.high)):
        if value is not None:
            found.append(DynamicConfigValue(name, value))
    if column.wide:
        found.append(DynamicConfigValue("custom.width", column.wide))
    title, url = column.link
    if url:
        found.append(DynamicConfigValue("links", [{"title": title, "url": url}]))
    return found
