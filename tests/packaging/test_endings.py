"""Whoever keeps our processes running gives them the time that they may take to end."""

import re
from pathlib import Path

import pytest

from monitor.cli.ending import IN_TIME

PACKAGING = Path(__file__).parents[2] / "packaging"
GIVEN = re.compile(
    r"(?:TimeoutStopSec=|stop_grace_period: |terminationGracePeriodSeconds: )(\d+)s?$",
    re.MULTILINE,
)
RUNS = {
    path: text
    for path in sorted(PACKAGING.rglob("*"))
    if path.suffix in {".service", ".yaml", ".yml"}
    if "oss-cname-monitor" in (text := path.read_text(encoding="utf-8"))
    if re.search(r"ExecStart=|^\s+image: .*oss-cname-monitor", text, re.MULTILINE)
}


def test_there_are_such_files() -> None:
    assert {path.suffix for path in RUNS} >= {".service", ".yaml"}


@pytest.mark.parametrize("path", RUNS, ids=lambda path: str(path.relative_to(PACKAGING)))
def test_the_time_to_end_is_more_than_what_is_taken(path: Path) -> None:
    given = [float(seconds) for seconds in GIVEN.findall(RUNS[path])]
    assert given, "nothing is said of it"
    assert min(given) > IN_TIME
