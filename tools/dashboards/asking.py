"""What a dashboard asks of Prometheus, with variables and intervals filled in as Grafana does."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """One query of one panel; instant, or over the range that is shown."""

    panel: str
    kind: str
    ref: str
    expr: str
    legend: str = ""
    is_instant: bool = False


def questions(dashboard: Mapping[str, Any], values: Mapping[str, str]) -> Iterator[Question]:
    """Yield all that the panels and annotations of a dashboard's JSON ask, in their order."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield _question(panel["title"], panel["type"], target, values)
    for annotation in dashboard.get("annotations", {}).get("list", ()):
        yield _question(annotation["name"], "annotation", annotation["target"], values)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return the text with each `$name` replaced; a name without a value is a KeyError."""
    return re.sub(r"\$(\w+)", lambda found: values[found[1]], text)


def intervals(step: float, shown: float) -> Mapping[str, str]:
    """Return Grafana's own variables for a step and a range, both in seconds."""
    every = math.ceil(step)  # a duration of PromQL has whole numbers
    return {
        "__interval": f"{every}s",
        "__rate_interval": f"{4 * every}s",
        "__range": f"{math.ceil(shown)}s",
    }


def _question(
    panel: str, kind: str, target: Mapping[str, Any], values: Mapping[str, str]
) -> Question:
    return Question(
        panel,
        kind,
        target["refId"],
        filled(target["expr"], values),
        target.get("legendFormat", ""),
        bool(target.get("instant")),
    )
