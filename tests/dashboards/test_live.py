"""Each query of the dashboards, asked of a real Prometheus that scrapes a real daemon."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

from monitor.demo.oss_state import ACCOUNT, Fault, FaultKind
from tests.dashboards.theatre import (
    CHANNEL,
    Theatre,
    all_questions,
    dashboards,
    open_theatre,
    planned,
)
from tests.entrypoints.plain_metrics import OF_PAIRS
from tools.dashboards.asking import filled

HEALTHY = "www.shop.example"
NO_CHANGE = "no change was seen yet"
NO_FAULT = "the domain has no fault"
NO_WRONG = "every resolver that answers reaches the target"
# The panels of which some query may be without data while all is well.
EMPTY_AT_REST: Mapping[tuple[str, str], str] = {
    ("overview", "Open changes"): NO_CHANGE,
    ("overview", "Errors"): "all accounts can be read",
    ("domain", "Change"): NO_CHANGE,
    ("domain", "Changes"): NO_CHANGE,
    ("domain", "Wrong verdicts"): NO_WRONG,
    ("domain", "Faults"): NO_FAULT,
    ("domain", "Faults now"): NO_FAULT,
    ("change", "State"): NO_CHANGE,
    ("change", "Changes"): NO_CHANGE,
    ("change", "Detected"): NO_CHANGE,
    ("change", "ETA"): NO_CHANGE,
    ("change", "ETA in"): NO_CHANGE,
    ("change", "Bound"): NO_CHANGE,
    ("change", "Bound in"): NO_CHANGE,
    ("change", "Deadline"): NO_CHANGE,
    ("change", "Deadline in"): NO_CHANGE,
    ("change", "Who is not new yet"): NO_CHANGE,
    ("change", "State of each resolver"): NO_CHANGE,
    ("change", "Progress against time"): NO_CHANGE,
    ("change", "Time left"): NO_CHANGE,
    ("change", "Resolvers by state"): NO_CHANGE,
    ("change", "Half converge within"): NO_CHANGE,
    ("change", "Nine of ten within"): NO_CHANGE,
}


async def test_every_query_has_data_once_much_is_wrong(
    tmp_path: Path,
) -> None:
    async with open_theatre(tmp_path, _without_override) as theatre:
        every = set(all_questions(HEALTHY))
        full = {one for one in every if one[:2] not in EMPTY_AT_REST}
        assert await theatre.unanswered(full, HEALTHY) == set()
        empty = {one[:2] for one in await theatre.without_data(HEALTHY)}
        assert empty >= EMPTY_AT_REST.keys(), "the list is no longer than it must be"
        for variable, values in (await _choices(theatre)).items():
            assert values or variable == ("change.json", "domain"), variable
        first, second = theatre.shop.world.authorities
        theatre.shop.world.modify(first)
        of_split = {one for one in every if one[:2] == ("domain", "Faults now")}
        assert await theatre.unanswered(of_split) == set()
        theatre.shop.world.modify(second)
        theatre.shop.world.account.faults[ACCOUNT] = Fault(FaultKind.DENIED)
        assert await theatre.unanswered(every - of_split) == set()
        assert all((await _choices(theatre)).values())
        assert {message.domain for message in theatre.told} <= {""}, "planned work tells nobody"


async def test_without_series_of_pairs_only_those_panels_are_empty_that_say_so(
    tmp_path: Path,
) -> None:
    async with open_theatre(tmp_path, _without_pairs) as theatre:
        every = all_questions(HEALTHY)
        of_pairs = {one for one, question in every.items() if _is_of_pairs(question.expr)}
        rest = {one for one in every if one[:2] not in EMPTY_AT_REST} - of_pairs
        assert await theatre.unanswered(rest, HEALTHY) == set()
        assert of_pairs <= await theatre.without_data(HEALTHY)
        said = {
            (name.removesuffix(".json"), panel["title"])
            for name, document in dashboards().items()
            for panel in document["panels"]
            if "max_exported_pairs" in panel.get("description", "")
        }
        assert {one[:2] for one in of_pairs} <= said


async def _choices(theatre: Theatre) -> Mapping[tuple[str, str], list[str]]:
    """Return what each variable offers when everything is chosen in those before it."""
    values = {"job": "oss-cname-monitor", "account": ".*", "bucket": ".*"}
    found = {}
    for name, document in dashboards().items():
        for variable in document["templating"]["list"]:
            if variable["type"] == "query":
                asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
                assert asked is not None, variable["query"]
                metric = filled(asked[1], values)
                offered = await asyncio.to_thread(
                    theatre.prometheus.label_values, asked[2], metric
                )
                found[name, variable["name"]] = offered
    return found


def _is_of_pairs(expr: str) -> bool:
    return bool(re.search(rf"oss_cname_({'|'.join(OF_PAIRS)})\b", expr))


def _quiet(text: str) -> str:
    """Tell nobody of what is wrong, by a channel where nobody listens."""
    return text + CHANNEL + planned("*.shop.example")


def _without_override(text: str) -> str:
    """Leave out the one resolver that never follows, so that the change can converge."""
    return _quiet(re.sub(r'\[\[resolvers\]\]\nname = "override"\n(.+\n)+', "", text))


def _without_pairs(text: str) -> str:
    return _quiet(text.replace("[daemon]", "[daemon]\nmax_exported_pairs = 0"))
