"""Which series of the monitor's own work are there before anything happens."""

from prometheus_client import CollectorRegistry

from monitor.adapters.telemetry.counters import AUTHORITY_LABEL, PrometheusTelemetry
from monitor.core.names import DomainName
from monitor.core.servers import Authority, Resolver


def test_authorities_are_counted_among_questions_and_never_among_sweeps() -> None:
    registry = CollectorRegistry()
    PrometheusTelemetry(registry).expect(frozenset({"isp"}), frozenset())
    shown = {
        family.name: {sample.labels["resolver"] for sample in family.samples}
        for family in registry.collect()
        if any("resolver" in sample.labels for sample in family.samples)
    }
    assert shown == {
        "oss_cname_probes": {"isp", AUTHORITY_LABEL},
        "oss_cname_probe_duration_seconds": {"isp", AUTHORITY_LABEL},
        "oss_cname_probes_shed": {"isp"},
        "oss_cname_unmatched_datagrams": {"isp", AUTHORITY_LABEL},
    }


def test_datagrams_that_answer_nothing_are_counted_by_who_was_asked() -> None:
    registry = CollectorRegistry()
    telemetry = PrometheusTelemetry(registry)
    zone = DomainName("shop.example")
    for server in (Resolver("isp", "127.0.0.1"), Authority(zone, None, "127.0.0.2")):
        telemetry.unmatched(server, late=1, stray=2)
    for resolver in ("isp", AUTHORITY_LABEL):
        for kind, count in (("late", 1), ("stray", 2)):
            labels = {"resolver": resolver, "kind": kind}
            shown = registry.get_sample_value("oss_cname_unmatched_datagrams_total", labels)
            assert shown == count


def test_who_follows_the_events_is_counted_and_so_is_who_cannot() -> None:
    registry = CollectorRegistry()
    telemetry = PrometheusTelemetry(registry)
    for change in (+1, +1, -1):
        telemetry.following(change)
    telemetry.dropped("behind")
    dropped = "oss_cname_event_clients_dropped_total"
    assert registry.get_sample_value("oss_cname_event_clients") == 1
    assert registry.get_sample_value(dropped, {"reason": "behind"}) == 1
    assert registry.get_sample_value(dropped, {"reason": "refused"}) == 0
