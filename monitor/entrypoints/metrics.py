"""The snapshot as Prometheus sees it, made anew at each scrape: what is gone leaves no series."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.core.state import DomainState
from monitor.core.status import tally
from monitor.entrypoints.change_metrics import of_changes
from monitor.usecases.snapshot import Snapshot


class SnapshotCollector(Collector):
    """Yields the metrics of domains, resolvers and accounts.

    No label holds text from the network: names come from the configuration and the OSS API.
    """

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def describe(self) -> Iterable[Metric]:
        """Spare the registry a look at a snapshot that may not exist yet."""
        return ()

    def collect(self) -> Iterator[Metric]:
        snapshot = self._snapshot()
        yield from _of_answers(snapshot)
        yield from _of_domains(snapshot)
        yield from _of_shares(snapshot)
        yield from of_changes(snapshot)
        yield _of_resolvers(snapshot)
        yield from _of_accounts(snapshot)


def _of_answers(snapshot: Snapshot) -> Iterator[Metric]:
    in_effect = _gauge(
        "in_effect",
        "1 where the resolver's answer reaches the target, 0 where it does not.",
        "domain bucket resolver",
    )
    verdict = _gauge(
        "verdict", "1 for what the resolver's newest answer means.", "domain resolver verdict"
    )
    ttl = _gauge(
        "answer_ttl_seconds",
        "Time to live of the domain's own record, as the resolver showed it.",
        "domain resolver",
    )
    for domain in snapshot.domains:
        name = domain.domain.text
        for resolver, view in snapshot.views(domain):
            found = view.verdict
            verdict.add_metric([name, resolver.name, found.kind.value], 1)
            if found.is_in_effect is not None:
                in_effect.add_metric([name, _bucket(domain), resolver.name], found.is_in_effect)
            if found.chain.first_ttl is not None:
                ttl.add_metric([name, resolver.name], found.chain.first_ttl)
    yield from (in_effect, verdict, ttl)


def _of_domains(snapshot: Snapshot) -> Iterator[Metric]:
    status = _gauge(
        "domain_status", "1 for where the domain stands.", "domain bucket account status"
    )
    faults = _gauge("domain_fault", "1 for each fault that the domain has.", "domain fault")
    for domain in snapshot.domains:
        account = domain.binding.account if domain.binding else ""
        labels = [domain.domain.text, _bucket(domain), account, domain.status.value.value]
        status.add_metric(labels, 1)
        for fault in sorted(domain.faults, key=lambda fault: fault.value):
            faults.add_metric([domain.domain.text, fault.value], 1)
    yield from (status, faults)


def _of_shares(snapshot: Snapshot) -> Iterator[Metric]:
    propagation = _gauge(
        "propagation_ratio",
        "Share of the answers that are new while a change is under way; "
        "otherwise of the answering resolvers that reach the target.",
        "domain",
    )
    authority = _gauge(
        "authority_ratio", "Share of the answering authorities that name the target.", "domain"
    )
    coverage = _gauge("coverage_ratio", "Share of the resolvers that answer.", "domain")
    for domain in snapshot.domains:
        if domain.watched is None:
            continue
        name, counted = [domain.domain.text], snapshot.tally(domain)
        if domain.resolvers:
            coverage.add_metric(name, counted.coverage)
        change = snapshot.change(domain)
        if change is not None and change.is_pending:
            propagation.add_metric(name, change.progress(snapshot.at, snapshot.weights))
        elif counted.ratio is not None:
            propagation.add_metric(name, counted.ratio)
        if (of_authorities := tally(domain.authorities).ratio) is not None:
            authority.add_metric(name, of_authorities)
    yield from (propagation, authority, coverage)


def _of_resolvers(snapshot: Snapshot) -> Metric:
    up = _gauge("resolver_up", "1 if the resolver answered anything lately.", "resolver group")
    for resolver in snapshot.resolvers:
        is_up = snapshot.is_up(resolver)
        if is_up is not None:
            up.add_metric([resolver.name, resolver.group], is_up)
    return up


def _of_accounts(snapshot: Snapshot) -> Iterator[Metric]:
    bindings = _gauge("inventory_bindings", "Bindings that the account last showed.", "account")
    success = _gauge(
        "inventory_last_success_timestamp_seconds",
        "When the account was last read completely.",
        "account",
    )
    for name, account in sorted(snapshot.state.accounts.items()):
        bindings.add_metric([name], len(account.bindings))
        if account.last_success_at is not None:
            success.add_metric([name], account.last_success_at.timestamp())
    yield from (bindings, success)


def _gauge(name: str, promise: str, labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"oss_cname_{name}", promise, labels=labels.split())


def _bucket(domain: DomainState) -> str:
    return domain.binding.bucket if domain.binding else ""
