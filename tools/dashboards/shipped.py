"""Which dashboards are shipped, and the text of each file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from tools.dashboards import change, domain, monitor, overview
from tools.dashboards.frame import Board, assembled

FOLDER = Path(__file__).parents[2] / "dashboards"


def boards() -> Mapping[str, Board]:
    """Return each dashboard by the name of its file."""
    found = {"overview": overview, "domain": domain, "change": change, "monitor": monitor}
    return {f"{name}.json": module.board() for name, module in found.items()}


def files() -> Mapping[str, str]:
    """Return the text of each file as it must be."""
    return {name: text_of(assembled(board)) for name, board in boards().items()}


def loaded(name: str) -> dict[str, Any]:
    """Return what a file holds that is shipped."""
    document: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return document


def text_of(dashboard: Dashboard) -> str:
    """Return a dashboard as the text of its file."""
    return json.dumps(dashboard, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"
