"""The streamed metrics say what the client library would say, in each of its formats."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from monitor.core.answers import Answer, NoAnswer, NoAnswerReason, Outcome, Rcode
from monitor.core.bindings import Binding, BucketTarget
from monitor.core.inventory import AccountInventory
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.state import DomainState, State
from monitor.core.tracking.record import CalmRecords, RecordKey, TrackedRecord
from monitor.entrypoints.metrics import StateMetrics
from monitor.usecases.snapshot import Snapshot
from tests.contracts.followed import stages
from tests.core.samples import BINDING, DOMAIN, START
from tests.entrypoints.fleet import fleet
from tests.entrypoints.followed import ended
from tests.entrypoints.plain_metrics import PlainMetrics
from tests.entrypoints.sample import (
    NOW,
    RESOLVERS,
    TELECOM,
    UNICOM,
    chain,
    sample_snapshot,
    with_answer,
)
from tests.entrypoints.scrapes import Parser, families_of, lines_of, samples_of, text_of
from tests.servers.installed import require

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
ACCEPTS = [
    "",
    "text/plain; version=1.0.0",
    *(
        f"{kind}; escaping={escaping}"
        for kind in ("text/plain; version=1.0.0", OPENMETRICS)
        for escaping in ("allow-utf-8", "underscores", "dots", "values")
    ),
]


def followed(record: TrackedRecord, after: timedelta) -> Snapshot:
    state = DomainState(DOMAIN, BINDING, START, records={record.key: record})
    servers = tuple(Resolver(name, "192.0.2.53") for name in ("a", "b", "c"))
    return Snapshot(START + after, State(domains={DOMAIN: state}), servers)


def uncertain() -> Snapshot:
    """Return a fleet with two resolvers whose verdicts alone do not tell whether they are up."""
    snapshot = sample_snapshot()
    unreachable = NoAnswer(NoAnswerReason.NETWORK_ERROR, "no route to host")
    domains = [
        with_answer(with_answer(d, TELECOM, unreachable), UNICOM, Answer(Rcode.FORMERR))
        for d in snapshot.domains
        if d.resolvers
    ]
    return replace(snapshot, state=State(domains={d.domain: d for d in domains}))


@pytest.mark.parametrize("accept", ACCEPTS)
@pytest.mark.parametrize(
    "snapshot",
    [sample_snapshot(), uncertain(), fleet(40, 3), Snapshot(NOW, State(), RESOLVERS)],
    ids=["sample", "uncertain", "large", "empty"],
)
def test_each_line_is_that_of_the_client_library(snapshot: Snapshot, accept: str) -> None:
    encode, _ = choose_encoder(accept)
    assert lines_of(text_of(snapshot, encode)) == lines_of(
        encode(PlainMetrics(snapshot)).decode().removesuffix("# EOF\n")
    )


@pytest.mark.parametrize("hours", [0, 75, 90, 1000])
@pytest.mark.parametrize("record", [*stages(), *ended()])
def test_each_stage_of_a_change_is_told(record: TrackedRecord, hours: int) -> None:
    snapshot = followed(record, timedelta(hours=hours))
    assert lines_of(text_of(snapshot)) == lines_of(
        generate_latest(PlainMetrics(snapshot)).decode()
    )


class CountedRecords(dict[RecordKey, TrackedRecord], CalmRecords):
    """Records of a change that has ended, which counts how often they are read."""

    followed_until = None
    ended_at = START + timedelta(hours=71)
    reads = 0

    def __getitem__(self, key: RecordKey) -> TrackedRecord:
        self.reads += 1
        return super().__getitem__(key)


@pytest.mark.parametrize("record", ended())
def test_a_change_that_is_over_is_read_once_and_again_when_its_domain_has_moved(
    record: TrackedRecord,
) -> None:
    records = CountedRecords({record.key: record})
    shown = followed(record, timedelta(hours=72))
    snapshots = [with_records(shown, records)]
    metrics = StateMetrics(lambda: snapshots[-1], 10_000)
    first = "".join(metrics.pieces(generate_latest))
    reads = records.reads
    assert lines_of(first) == lines_of(text_of(shown)) and reads > 0
    assert "".join(metrics.pieces(generate_latest)) == first
    snapshots.append(replace(snapshots[0], at=START + timedelta(hours=96)))
    assert "oss_cname_change_state{" not in "".join(metrics.pieces(generate_latest))
    assert records.reads == reads
    snapshots.append(with_records(shown, records))
    assert "".join(metrics.pieces(generate_latest)) == first
    assert records.reads == 2 * reads


def with_records(snapshot: Snapshot, records: CalmRecords) -> Snapshot:
    (state,) = snapshot.state.domains.values()
    return replace(snapshot, state=State(domains={DOMAIN: replace(state, records=records)}))


@pytest.mark.parametrize(
    ("accept", "parse", "end"),
    [
        ("", text_string_to_metric_families, ""),
        (OPENMETRICS, openmetrics.text_string_to_metric_families, "# EOF\n"),
    ],
    ids=["text", "openmetrics"],
)
def test_what_is_written_can_be_read_again(accept: str, parse: Parser, end: str) -> None:
    snapshot = sample_snapshot()
    encode, _ = choose_encoder(accept)
    read = families_of(text_of(snapshot, encode) + end, parse)
    expected = {family.name: family for family in PlainMetrics(snapshot).collect()}
    assert read.keys() == expected.keys()
    for name, family in read.items():
        assert (family.type, family.unit) == ("gauge", "")
        assert family.documentation.endswith(".")
        assert samples_of(family) == samples_of(expected[name])


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.text(
    st.sampled_from('\\"\n{}, =%#n'), max_size=8
)


@settings(max_examples=150)
@given(st.lists(ANY_TEXT, min_size=8, max_size=8, unique=True))
def test_any_text_of_a_label_comes_through_both_formats(texts: Sequence[str]) -> None:
    first, second, bucket, account, *servers = texts
    resolvers = tuple(Resolver(name, "192.0.2.1", group=name[::-1]) for name in servers)
    domains = [_bound(name, bucket, account, resolvers) for name in (first, second)]
    inventories = {account: AccountInventory(account, last_success_at=NOW)}
    snapshot = Snapshot(NOW, State(inventories, {d.domain: d for d in domains}), resolvers)
    expected = {family.name: samples_of(family) for family in PlainMetrics(snapshot).collect()}
    text = families_of(text_of(snapshot))
    encode, _ = choose_encoder(OPENMETRICS)
    modern = families_of(
        text_of(snapshot, encode) + "# EOF\n", openmetrics.text_string_to_metric_families
    )
    assert {name: samples_of(family) for name, family in text.items()} == expected
    assert {name: samples_of(family) for name, family in modern.items()} == expected


def test_prometheus_finds_no_fault_with_the_metrics_of_what_is_known() -> None:
    for limit in (0, 10_000):
        checked = subprocess.run(
            [require("promtool"), "check", "metrics"],
            input=text_of(sample_snapshot(), limit=limit).encode(),
            capture_output=True,
            check=False,
            timeout=30,
        )
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def _bound(name: str, bucket: str, account: str, resolvers: Sequence[Resolver]) -> DomainState:
    domain = DomainName(name)
    binding = Binding(domain, BucketTarget(bucket, DomainName("oss.example")), account)
    state = DomainState(domain, binding, NOW)
    said: Outcome = chain(domain, f"{bucket}.oss.example")
    for resolver in resolvers:
        state = with_answer(state, resolver, said)
    return state
