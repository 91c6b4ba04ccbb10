"""Counters of the monitor's own work, in a registry that is given."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from monitor import __version__
from monitor.adapters.telemetry.probes import ProbeCounts, rtts_of
from monitor.core.answers import Answer, Question, Reply
from monitor.core.events import Event, EventType
from monitor.core.inventory import FailureReason, Listing
from monitor.core.provider import ProviderFailure
from monitor.core.servers import Resolver
from monitor.core.serving import BucketSign
from monitor.core.tracking.changes import ChangeKind
from monitor.ports import DeliveryFailure, Prober, Server, Swept

# Server names of authorities come from the network, so they share one label value.
AUTHORITY_LABEL = "authority"

_PROPAGATION_BUCKETS = (10, 30, 60, 300, 600, 1800, 3600, 14400, 43200, 86400, 172800, 259200)


class PrometheusTelemetry:
    """Implements the telemetry port; known label values start at zero."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, promise: str) -> Gauge:
            return Gauge(f"oss_cname_{name}", promise, registry=registry)

        def counter(name: str, promise: str, *labels: str) -> Counter:
            return Counter(f"oss_cname_{name}", promise, labels, registry=registry)

        self._probes = ProbeCounts()
        registry.register(self._probes)
        self._swept_in_flight: dict[str, int] = {}
        self._in_flight = gauge("probes_in_flight", "Questions without an outcome yet.")
        self._round = gauge(
            "round_duration_seconds", "Duration of the newest full round of the resolvers."
        )
        self._first_look = gauge(
            "first_look_overdue",
            "1 while the first look after a start or reload lasts longer than others wait for it.",
        )
        self._job_lag = timedelta()
        self._sweep_lags: dict[str, timedelta] = {}
        lag = gauge(
            "schedule_lag_seconds",
            "How much later than planned the newest job began or the next question comes.",
        )
        lag.set_function(self._longest_lag)
        self._shed = counter(
            "probes_shed", "Questions to domains at rest not asked for want of time.", "resolver"
        )
        self._inventory_errors = counter(
            "inventory_errors", "What could not be read of an account.", "account", "reason"
        )
        self._http_checks = counter(
            "http_checks", "Looks over HTTP at a domain, by what they showed.", "outcome"
        )
        for sign in BucketSign:
            self._http_checks.labels(sign.value)
        self._changes = counter("changes", "Changes that were seen.", "kind")
        self._propagation = Histogram(
            "oss_cname_propagation_duration_seconds",
            "Time from the first sight of a change until every resolver had converged.",
            ["kind"],
            buckets=_PROPAGATION_BUCKETS,
            registry=registry,
        )
        for kind in ChangeKind:
            self._changes.labels(kind.value)
            self._propagation.labels(kind.value)
        self._alertmanager_posts = counter(
            "alertmanager_posts", "Requests to an Alertmanager.", "alertmanager", "result"
        )
        self._notices = counter("notices", "Notices to people.", "channel", "result")
        self._event_clients = gauge("event_clients", "Clients that follow the events now.")
        self._event_clients_dropped = counter(
            "event_clients_dropped", "Clients that could not follow the events.", "reason"
        )
        for reason in ("behind", "refused", "stalled"):
            self._event_clients_dropped.labels(reason)
        self._web_refusals = counter("web_refusals", "Requests that were not let in.", "reason")
        self._store_errors = counter("store_errors", "Attempts to keep a step that failed.")
        self._store_waiting = gauge(
            "store_waiting_steps", "Steps that wait for a store whose connection is lost."
        )
        self._reload_ok = gauge(
            "config_last_reload_successful", "1 if the newest load of the configuration succeeded."
        )
        self._reload_at = gauge(
            "config_last_reload_success_timestamp_seconds", "When it was last loaded with success."
        )
        build = Info("oss_cname_build", "The program's version.", registry=registry)
        build.info({"version": __version__})

    def expect(self, resolvers: frozenset[str], accounts: frozenset[str]) -> None:
        """Let the series of all known label values exist before anything happens."""
        for server in resolvers | {AUTHORITY_LABEL}:
            self._probes.expect(server)
            self._probes.add_unmatched(server, late=0, stray=0)
        for resolver in resolvers:  # authorities are never swept
            self._shed.labels(resolver)
        for account in accounts:
            for reason in FailureReason:
                self._inventory_errors.labels(account, reason.value)

    def expect_alertmanagers(self, names: Iterable[str]) -> None:
        """Let the series of these Alertmanagers exist before anything happens."""
        for name in names:
            for failure in (None, *DeliveryFailure):
                self._alertmanager_posts.labels(name, _result(failure))

    def expect_channels(self, channels: frozenset[str]) -> None:
        for channel in channels:
            for result in ("sent", "delayed", "failed"):
                self._notices.labels(channel, result)

    def probed(self, server: Server, outcome: str, rtt: timedelta) -> None:
        self._probes.add(_label(server), {outcome: 1}, rtts_of(rtt), rtt)

    def unmatched(self, server: Server, *, late: int, stray: int) -> None:
        self._probes.add_unmatched(_label(server), late=late, stray=stray)

    def swept(self, resolver: Resolver, swept: Swept) -> None:
        self._probes.add(resolver.name, swept.outcomes, swept.rtts, swept.rtt_total)
        self._probes.add_unmatched(resolver.name, late=swept.late, stray=swept.stray)
        self._shed.labels(resolver.name).inc(swept.shed)
        self._sweep_lags[resolver.name] = swept.lag
        self._in_flight.inc(swept.in_flight - self._swept_in_flight.get(resolver.name, 0))
        self._swept_in_flight[resolver.name] = swept.in_flight

    def probing(self, change: int) -> None:
        self._in_flight.inc(change)

    def listed(self, listing: Listing) -> None:
        for failure in listing.failures:
            self._inventory_errors.labels(listing.account, failure.reason.value).inc()

    def round_done(self, kind: str, duration: timedelta) -> None:
        if kind == "resolvers":
            self._round.set(duration.total_seconds())

    def first_look_lasts(self, *, is_too_long: bool) -> None:
        self._first_look.set(1 if is_too_long else 0)

    def visited(self, sign: BucketSign) -> None:
        self._http_checks.labels(sign.value).inc()

    def provider_failed(self, account: str, failure: ProviderFailure) -> None:
        self._inventory_errors.labels(account, failure.reason.value).inc()

    def happened(self, event: Event) -> None:
        kind, seconds = event.data.get("kind"), event.data.get("after_seconds")
        match event.type:
            case EventType.CHANGE_DETECTED:
                self._changes.labels(str(kind)).inc()
            case EventType.CONVERGED if event.data.get("is_first"):
                if isinstance(seconds, int | float):
                    self._propagation.labels(str(kind)).observe(seconds)
            case EventType.NOTICE_SENT:
                self._notices.labels(str(event.data.get("channel")), "sent").inc()
            case EventType.NOTICE_FAILED:
                self._notices.labels(str(event.data.get("channel")), "failed").inc()
            case _:
                pass

    def notice_delayed(self, channel: str) -> None:
        self._notices.labels(channel, "delayed").inc()

    def following(self, change: int) -> None:
        self._event_clients.inc(change)

    def dropped(self, reason: str) -> None:
        self._event_clients_dropped.labels(reason).inc()

    def store_failed(self) -> None:
        self._store_errors.inc()

    def store_waits(self, steps: int) -> None:
        self._store_waiting.set(steps)

    def pushed(self, alertmanager: str, failure: DeliveryFailure | None) -> None:
        self._alertmanager_posts.labels(alertmanager, _result(failure)).inc()

    def expect_refusals(self, reasons: Iterable[str]) -> None:
        """Let the series of these reasons exist before anything happens."""
        for reason in reasons:
            self._web_refusals.labels(reason)

    def refused(self, reason: str) -> None:
        self._web_refusals.labels(reason).inc()

    def lagged(self, lag: timedelta) -> None:
        self._job_lag = lag

    def _longest_lag(self) -> float:
        lags = (self._job_lag, *self._sweep_lags.values(), timedelta())
        return max(lags).total_seconds()

    def reloaded(self, at: datetime, *, is_success: bool) -> None:
        self._reload_ok.set(1 if is_success else 0)
        if is_success:
            self._reload_at.set(at.timestamp())


class CountedProber:
    """A prober that counts what another one does."""

    def __init__(self, prober: Prober, telemetry: PrometheusTelemetry) -> None:
        self._prober = prober
        self._telemetry = telemetry

    async def ask(self, server: Server, question: Question) -> Reply:
        self._telemetry.probing(+1)
        try:
            reply = await self._prober.ask(server, question)
        finally:
            self._telemetry.probing(-1)
        self._telemetry.probed(server, _outcome(reply), reply.rtt)
        return reply


def _label(server: Server) -> str:
    return server.name if isinstance(server, Resolver) else AUTHORITY_LABEL


def _result(failure: DeliveryFailure | None) -> str:
    return failure.value if failure else "success"


def _outcome(reply: Reply) -> str:
    if isinstance(reply.outcome, Answer):
        return reply.outcome.rcode.name.lower()
    return reply.outcome.reason.value
