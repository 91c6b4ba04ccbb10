"""The metrics of a snapshot made the plain way: by the client library, a call for each sample."""

from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.core.state import DomainState
from monitor.core.status import tally
from monitor.core.tracking.tracks import TrackState
from monitor.core.verdict import VerdictKind
from monitor.entrypoints.series.doors import SHOWN_FOR
from monitor.usecases.snapshot import Snapshot

Said = dict[str, list[tuple[dict[str, str], float]]]
INSTANTS = ("detected", "eta", "bound", "deadline")
# Each family that is not of pairs, above the limit too.
ALWAYS = (
    "resolver_up", "resolver_verdicts", "inventory_bindings",
    "inventory_last_success_timestamp_seconds", "pairs", "pair_series_limit_reached",
    "domain_status", "domain_fault", "domain_verdicts", "domain_in_maintenance",
    "propagation_ratio", "authority_ratio", "coverage_ratio",
    "change_state", *(f"change_{key}_timestamp_seconds" for key in INSTANTS),
    "track_eta_timestamp_seconds", "track_state", "track_reason",
)  # fmt: skip
OF_PAIRS = ("in_effect", "verdict", "answer_ttl_seconds")


class PlainMetrics(Collector):
    """Collects what the streamed metrics must say, whatever the number of pairs."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._said: Said = {name: [] for name in (*ALWAYS, *OF_PAIRS)}

    def collect(self) -> Iterator[Metric]:
        for say in (self._pairs, self._domains, self._changes, self._resolvers, self._accounts):
            say()
        for name, samples in self._said.items():
            labels = sorted(samples[0][0]) if samples else ()
            family = GaugeMetricFamily(f"oss_cname_{name}", "", labels=labels)
            for said, value in samples:
                family.add_metric([said[label] for label in labels], value)
            yield family

    def _say(self, name: str, value: float, **labels: str) -> None:
        self._said[name].append((labels, value))

    def _pairs(self) -> None:
        count = 0
        for domain in self._snapshot.domains:
            name, bucket = domain.domain.text, domain.binding.bucket if domain.binding else ""
            for resolver, view in self._snapshot.views(domain):
                count += 1
                found, server = view.verdict, resolver.name
                self._say("verdict", 1, domain=name, resolver=server, verdict=found.kind.value)
                if (effect := found.is_in_effect) is not None:
                    self._say("in_effect", effect, domain=name, bucket=bucket, resolver=server)
                if (ttl := found.chain.first_ttl) is not None:
                    self._say("answer_ttl_seconds", ttl, domain=name, resolver=server)
        self._say("pairs", count)
        self._say("pair_series_limit_reached", 0)

    def _domains(self) -> None:
        for domain in self._snapshot.domains:
            name = domain.domain.text
            bucket, account = (
                (domain.binding.bucket, domain.binding.account) if domain.binding else ("", "")
            )
            labels = {"bucket": bucket, "account": account, "status": domain.status.value.value}
            self._say("domain_status", 1, domain=name, **labels)
            if self._snapshot.muted_until(domain.domain, self._snapshot.at):
                self._say("domain_in_maintenance", 1, domain=name)
            for fault in domain.faults:
                self._say("domain_fault", 1, domain=name, fault=fault.value)
            self._wrong_verdicts(domain)
            if domain.watched is None:
                continue
            change, counted = self._snapshot.change(domain), self._snapshot.tally(domain)
            if domain.resolvers:
                self._say("coverage_ratio", counted.coverage, domain=name)
            if change is not None and change.is_pending:
                share = change.progress(self._snapshot.at, self._snapshot.weights)
                self._say("propagation_ratio", share, domain=name)
            elif counted.ratio is not None:
                self._say("propagation_ratio", counted.ratio, domain=name)
            if (share_of_authorities := tally(domain.authorities).ratio) is not None:
                self._say("authority_ratio", share_of_authorities, domain=name)

    def _wrong_verdicts(self, domain: DomainState) -> None:
        views = [view.verdict for _, view in self._snapshot.views(domain)]
        for kind in VerdictKind:
            count = sum(said.kind is kind and said.is_in_effect is False for said in views)
            if count:
                labels = {"domain": domain.domain.text, "verdict": kind.value}
                self._say("domain_verdicts", count, **labels)

    def _changes(self) -> None:
        now = self._snapshot.at
        for domain in self._snapshot.domains:
            name, change = domain.domain.text, self._snapshot.change(domain)
            if change is None:
                continue
            if not change.state.is_open and now >= (change.settled_at or change.deadline_at) + (
                SHOWN_FOR
            ):
                continue
            self._say("change_state", 1, domain=name, state=change.state.value)
            for key, at in change.instants().items():
                if key in INSTANTS:
                    self._say(f"change_{key}_timestamp_seconds", at.timestamp(), domain=name)
            for server, track in change.tracks.items():
                state, eta = track.state, change.eta_of(track)
                if change.is_watched(now) and not state.has_converged and eta is not None:
                    key = "track_eta_timestamp_seconds"
                    self._say(key, eta.timestamp(), domain=name, resolver=server)
                if change.is_watched(now) and state is not TrackState.SETTLED:
                    self._say("track_state", 1, domain=name, resolver=server, state=state.value)
                    if track.reason is not None:
                        labels = {"resolver": server, "reason": track.reason.value}
                        self._say("track_reason", 1, domain=name, **labels)

    def _resolvers(self) -> None:
        for resolver in self._snapshot.resolvers:
            if (is_up := self._snapshot.is_up(resolver)) is None:
                continue
            self._say("resolver_up", is_up, resolver=resolver.name, group=resolver.group)
            views = [domain.resolvers.get(resolver.name) for domain in self._snapshot.domains]
            for kind in VerdictKind:
                count = sum(view is not None and view.verdict.kind is kind for view in views)
                labels = {"resolver": resolver.name, "verdict": kind.value}
                self._say("resolver_verdicts", count, **labels)

    def _accounts(self) -> None:
        for name, inventory in self._snapshot.state.accounts.items():
            self._say("inventory_bindings", len(inventory.bindings), account=name)
            if (at := inventory.last_success_at) is not None:
                key = "inventory_last_success_timestamp_seconds"
                self._say(key, at.timestamp(), account=name)
