"""What all dashboards share: the choice of a data source and a monitor, links, and the grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    Panel,
    VariableRefresh,
    VariableSort,
)

from tools.dashboards.panels import SOURCE

TAG = "oss-cname"
OVERVIEW, DOMAIN, CHANGE, MONITOR = (
    f"{TAG}-{name}" for name in ("overview", "domain", "change", "monitor")
)

Section: TypeAlias = tuple[str, Sequence[Builder[Panel]]]


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable: the values of a label; `where` may name choices that stand before it."""

    name: str
    label: str
    metric: str
    where: str = 'job="$job"'
    has_all: bool = True

    def variable(self) -> build.QueryVariable:
        query = f"label_values({self.metric}{{{self.where}}}, {self.name})"
        if not self.where:
            query = f"label_values({self.metric}, {self.name})"
        variable = (
            build.QueryVariable(self.name)
            .label(self.label)
            .datasource(SOURCE)
            .query(query)
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(VariableSort.NATURAL_ASC)
        )
        if self.has_all:
            # ".*", since what the configuration binds has no account, and a target no bucket.
            variable.multi(multi=True).include_all(include_all=True).all_value(".*")
        return variable


JOB = Choice("job", "Monitor", "oss_cname_build_info", where="", has_all=False)
ACCOUNT = Choice("account", "Account", "oss_cname_domain_status")
BUCKET = Choice("bucket", "Bucket", "oss_cname_domain_status", 'job="$job",account=~"$account"')
RESOLVER = Choice("resolver", "Resolver", "oss_cname_resolver_up")


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard before it is put together."""

    uid: str
    title: str
    description: str
    since: str
    choices: Sequence[Choice]
    sections: Sequence[Section]
    annotations: Sequence[build.AnnotationQuery] = ()


def assembled(board: Board) -> Dashboard:
    """Return the dashboard as file provisioning wants it: no id, no version, no inputs."""
    made = (
        build.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([TAG])
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time(board.since, "now")
        .refresh("1m")
        .timezone("browser")
        .link(_links())
        .annotations([*board.annotations])
        .with_variable(
            build.DatasourceVariable("datasource").label("Data source").type("prometheus")
        )
    )
    for choice in (JOB, *board.choices):
        made.with_variable(choice.variable())
    for title, builders in board.sections:
        made.with_row(build.Row(title))
        for builder in builders:
            made.with_panel(builder)
    dashboard = made.build()
    for number, panel in enumerate(dashboard.panels or (), start=1):
        panel.id_val = number
    return dashboard


def way_to(uid: str, title: str) -> tuple[str, str]:
    """Return the link from a cell that holds a domain to the dashboard about it."""
    chosen = "${datasource:queryparam}&${job:queryparam}&${__url_time_range}"
    return title, f"/d/{uid}?var-domain=${{__value.raw}}&{chosen}"


def _links() -> build.DashboardLink:
    return (
        build.DashboardLink("OSS CNAME")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )
