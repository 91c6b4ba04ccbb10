"""Marks over the panels of a domain: when its changes moved."""

from grafana_foundation_sdk.builders import dashboard, prometheus

from tools.dashboards.panels import SOURCE
from tools.dashboards.words import ORANGE


def changes_of(domain: str) -> dashboard.AnnotationQuery:
    """Return a mark at each state that a change of the domain enters.

    A state's series begins with the state, so it was not there one step before.
    """
    state = f'oss_cname_change_state{{job="$job",domain="{domain}"}}'
    expr = f"max by (state) ({state}) unless max by (state) ({state} offset $__interval)"
    target = prometheus.Dataquery().expr(expr).ref_id("Anno").range()
    return (
        dashboard.AnnotationQuery()
        .name("Changes")
        .datasource(SOURCE)
        .enable(enable=True)
        .icon_color(ORANGE)
        .target(target)
        .expr(expr)
        .step("60s")
        .title_format("Change: {{state}}")
        .tag_keys("state")
    )
