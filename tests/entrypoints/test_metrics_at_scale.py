"""Many pairs: no series of theirs above the limit, and a scrape that leaves others their turn."""

from dataclasses import replace
from itertools import takewhile

import pytest
from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from structlog.testing import capture_logs

from monitor.core.state import State
from monitor.entrypoints.metrics import StateMetrics
from monitor.usecases.snapshot import Snapshot
from tests.contracts.followed import stages
from tests.entrypoints.fleet import fleet
from tests.entrypoints.plain_metrics import ALWAYS, OF_PAIRS
from tests.entrypoints.sample import sample_snapshot
from tests.entrypoints.scrapes import families_of, samples_of, text_of


@pytest.mark.parametrize(("limit", "is_reached"), [(0, 1), (35, 1), (36, 0), (37, 0)])
def test_above_the_limit_no_pair_has_series(limit: int, is_reached: int) -> None:
    found = families_of(text_of(sample_snapshot(), limit=limit))
    names = ALWAYS if is_reached else (*ALWAYS, *OF_PAIRS)
    assert found.keys() == {f"oss_cname_{name}" for name in names}
    assert value_of(found, "pairs") == 36
    assert value_of(found, "pair_series_limit_reached") == is_reached


def test_aggregates_are_the_same_above_the_limit() -> None:
    shown, left_out = (families_of(text_of(sample_snapshot(), limit=n)) for n in (10_000, 0))
    for name in set(ALWAYS) - {"pair_series_limit_reached"}:
        key = f"oss_cname_{name}"
        assert samples_of(left_out[key]) == samples_of(shown[key]), name


def test_reaching_the_limit_and_leaving_it_is_logged_once_each() -> None:
    few, many = sample_snapshot(), fleet(60, 1)
    snapshots = iter((few, many, many, few, few, many))
    metrics = StateMetrics(lambda: next(snapshots), max_pairs=50)
    told: list[list[str]] = []
    for _ in range(6):
        with capture_logs() as logs:
            list(metrics.pieces(generate_latest))
        told.append([f"{log['event']} {log['pairs']}/{log['limit']}" for log in logs])
    left_out, shown_again = "metrics.pairs_left_out 60/50", "metrics.pairs_shown_again 36/50"
    assert told == [[], [left_out], [], [shown_again], [], [left_out]]


def test_whoever_wants_no_series_of_pairs_is_not_warned_of_that() -> None:
    with capture_logs() as logs:
        text_of(sample_snapshot(), limit=0)
    assert logs == []


def test_a_scrape_is_of_one_moment() -> None:
    asked: list[Snapshot] = []

    def snapshot() -> Snapshot:
        asked.append(sample_snapshot())
        return asked[-1]

    list(StateMetrics(snapshot, 10_000).pieces(generate_latest))
    assert len(asked) == 1


def test_no_piece_of_a_large_fleet_is_large() -> None:
    pieces = list(StateMetrics(lambda: fleet(3000, 2), 10_000).pieces(generate_latest))
    assert max(map(len, pieces)) < 256 * 1024
    assert pieces[:10] == [""] * 10, "the look at the state is done in turns as well"
    assert pieces[-1] == "", "and so is letting go of what it found"


def test_domains_that_change_are_looked_at_in_smaller_batches() -> None:
    quiet = fleet(500, 1)
    record = next(record for record in stages() if record.under_way)
    moving = {d.domain: replace(d, records={record.key: record}) for d in quiet.domains}
    changing = replace(quiet, state=State(domains=moving))
    assert turns_before_text(changing) > 2 * turns_before_text(quiet)


def turns_before_text(snapshot: Snapshot) -> int:
    pieces = StateMetrics(lambda: snapshot, 0).pieces(generate_latest)
    return sum(1 for _ in takewhile(lambda piece: not piece, pieces))


def value_of(families: dict[str, Metric], name: str) -> float:
    (sample,) = families[f"oss_cname_{name}"].samples
    return sample.value
