"""Settings to the objects that do the work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from monitor.adapters.alidns.api import AlidnsAccount, AlidnsRecords
from monitor.adapters.inventory.credentials import (
    CredentialsProvider,
    CredentialsUnavailable,
    EnvironmentCredentials,
    FileCredentials,
    StaticCredentials,
)
from monitor.adapters.inventory.listed import ListedInventory
from monitor.adapters.inventory.oss import OssAccount, OssInventory
from monitor.adapters.inventory.role import EcsRoleCredentials
from monitor.adapters.resolvers.exchanges import missing_transports
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.adapters.resolvers.sweeper import DnsSweeper
from monitor.adapters.service_manager import ServiceManager
from monitor.adapters.telemetry.counters import CountedProber, PrometheusTelemetry
from monitor.adapters.visitor.visitor import HttpVisitor, VisitPolicy
from monitor.config import SecretUnavailable, Settings
from monitor.config import credentials as configured
from monitor.config.accounts import AccountSettings
from monitor.config.secret import Reference
from monitor.core.binding_faults import FaultPolicy
from monitor.core.domain_tracking import Followers
from monitor.core.servers import Authority, Delegation, Resolver
from monitor.core.state import RoundPolicy
from monitor.core.status import StatusPolicy
from monitor.core.tracking.policy import TrackingPolicy
from monitor.ledger import Ledger
from monitor.logs import Secrets
from monitor.ports import Clock, Inventory, Prober, Provider, Sweeper, SweepTelemetry
from monitor.usecases.ask import Panel
from monitor.usecases.delegate import DelegationPolicy, Delegator
from monitor.usecases.follow import Follow
from monitor.usecases.rounds import Rounds
from monitor.usecases.serials import Serials
from monitor.usecases.visit import Visits


class NotAvailable(Exception):
    """The settings want what this release or this installation does not have."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the process was started in."""

    clock: Clock
    environ: Mapping[str, str]
    secrets: Secrets
    manager: ServiceManager = field(default_factory=ServiceManager)


class Afar(Protocol):
    """The way to workers at other places, with those resolvers that they ask."""

    async def run(self) -> None:
        """Stay connected until cancelled."""

    def prober(self, here: DnsProber) -> Prober: ...

    def sweeper(self, here: Sweeper, prober: DnsProber, telemetry: SweepTelemetry) -> Sweeper: ...


def asked_from_here(settings: Settings) -> Settings:
    """Return the settings with those resolvers alone that need no worker. Raises NotAvailable."""
    here = tuple(resolver for resolver in settings.resolvers if resolver.vantage is None)
    if not here:
        raise NotAvailable("every resolver has a vantage, and only a daemon asks through those")
    return settings.model_copy(update={"resolvers": here})


def resolvers_of(settings: Settings) -> tuple[Resolver, ...]:
    """Return the resolvers to ask. Raises NotAvailable for a transport without its library."""
    resolvers = tuple(given.resolver for given in settings.resolvers)
    missing = missing_transports({resolver.transport for resolver in resolvers})
    if missing:
        transport = min(missing, key=lambda transport: transport.value)
        users = [r.name for r in resolvers if r.transport is transport]
        raise NotAvailable(
            f"{', '.join(users)}: {transport.value} needs a library that is not installed; "
            f"install dnspython[{transport.value}]"
        )
    return resolvers


def prober_of(
    settings: Settings, clock: Clock, telemetry: PrometheusTelemetry | None = None
) -> DnsProber:
    schedule = settings.schedule
    share = max(1, schedule.max_in_flight // len(settings.resolvers))
    qps = settings.authority.max_qps
    return DnsProber(
        clock,
        Limits(schedule.timeout, schedule.attempts, schedule.max_in_flight, share, qps),
        telemetry,
    )


def abreast_of(settings: Settings) -> int:
    """How many domains may be asked about at a time, so that all questions fit in flight."""
    return max(1, settings.schedule.max_in_flight // len(settings.resolvers))


def delegation_policy_of(settings: Settings) -> DelegationPolicy:
    fixed = tuple(
        Delegation(
            zone,
            at_parent=None,
            at_child=None,
            authorities=tuple(Authority(zone, None, s.host, s.port) for s in servers),
        )
        for zone, servers in settings.authority.servers.items()
    )
    bootstrap = tuple(given.resolver for given in settings.bootstrap_resolvers)
    return DelegationPolicy(bootstrap, fixed, settings.authority.port)


def round_policy_of(settings: Settings) -> RoundPolicy:
    alerting = settings.alerting
    weights = {given.name: given.weight for given in settings.resolvers}
    status = StatusPolicy(weights, alerting.min_coverage, settings.propagation.window)
    return RoundPolicy(status, alerting.fail_after, alerting.recover_after, alerting.ttl_warning)


def fault_policy_of(settings: Settings) -> FaultPolicy:
    """Return what makes a fault of a binding."""
    return FaultPolicy(
        round_policy_of(settings),
        settings.alerting.certificate_warning,
        is_http_checked=settings.http_check.enabled,
        is_https_expected=settings.http_check.tls,
    )


def followers_of(settings: Settings) -> Followers:
    """Return who follows changes, and how."""
    schedule, given = settings.schedule, settings.propagation
    values = {key: getattr(given, key) for key in type(given).model_fields}
    policy = TrackingPolicy(
        **values,
        authority_interval=schedule.authority_interval,
        authority_fast_interval=schedule.authority_fast_interval,
        min_coverage=settings.alerting.min_coverage,
    )
    return Followers(policy, {r.name: r for r in resolvers_of(settings)})


def panel_of(settings: Settings, prober: Prober) -> Panel:
    """Return who is asked, and which names count. Raises NotAvailable."""
    return Panel(prober, resolvers_of(settings), settings.targets.policy)


def delegator_of(settings: Settings, prober: Prober) -> Delegator:
    return Delegator(prober, delegation_policy_of(settings))


def rounds_of(
    settings: Settings,
    ledger: Ledger,
    clock: Clock,
    telemetry: PrometheusTelemetry,
    afar: Afar | None = None,
) -> Rounds:
    """Return the rounds by these settings. Raises NotAvailable."""
    dns = prober_of(settings, clock, telemetry)
    sweeper: Sweeper = DnsSweeper(dns, clock, telemetry)
    if afar is not None:
        sweeper = afar.sweeper(sweeper, dns, telemetry)
    prober = CountedProber(dns if afar is None else afar.prober(dns), telemetry)
    return Rounds(
        ledger=ledger,
        panel=panel_of(settings, prober),
        sweeper=sweeper,
        delegator=delegator_of(settings, prober),
        serials=Serials(prober, settings.schedule.authority_fast_interval / 2),
        policy=round_policy_of(settings),
        followers=followers_of(settings),
        clock=clock,
        telemetry=telemetry,
        abreast=abreast_of(settings),
    )


def ask_alike(one: Settings, other: Settings) -> bool:
    """Tell whether rounds by both ask the same servers the same way, and judge alike."""
    return _of_rounds(one) == _of_rounds(other)


def _of_rounds(settings: Settings) -> tuple[object, ...]:
    return (
        settings.resolvers,
        settings.authority,
        settings.schedule,
        settings.targets,
        settings.propagation,
        settings.distributed,
        round_policy_of(settings),
    )


def follow_of(rounds: Rounds) -> Follow:
    """Return who asks between the rounds what a change makes due, by the same settings."""
    return Follow(
        rounds.ledger,
        rounds.panel,
        rounds.followers,
        rounds.policy,
        rounds.clock,
        ask_authorities=rounds.of_authorities,
        abreast=rounds.abreast,
    )


def visits_of(settings: Settings, rounds: Rounds) -> Visits:
    """Return the looks over HTTP, at addresses that these rounds bring."""
    given = settings.http_check
    policy = VisitPolicy(
        timeout=given.timeout,
        port=given.port,
        tls_port=given.tls_port,
        looks_at_certificate=given.tls,
        allow_private=given.allow_private,
    )
    return Visits(
        rounds.ledger,
        HttpVisitor(policy, rounds.clock),
        rounds.panel.resolvers,
        rounds.sweeper,
        fault_policy_of(settings),
        rounds.clock,
        rounds.telemetry,
        rounds.is_wanted,
    )


def inventories_of(settings: Settings, around: Surroundings) -> tuple[Inventory, ...]:
    """Return the configuration's own bindings first, then each account."""
    listed = ListedInventory(tuple(given.binding for given in settings.bindings))
    return (listed, *oss_inventories_of(settings, around))


def oss_inventories_of(settings: Settings, around: Surroundings) -> tuple[OssInventory, ...]:
    """Return each account, in the configured order."""
    return tuple(_oss_inventory(account, around) for account in settings.accounts)


def providers_of(settings: Settings, around: Surroundings) -> Mapping[str, Provider]:
    """Return the DNS provider's API of each account that is to be asked, by account."""
    return {
        account.name: AlidnsRecords(
            AlidnsAccount(
                account.name,
                timeout=account.timeout.total_seconds(),
                attempts=account.attempts,
            ),
            credentials_of(account.credentials, around),
            unavailable=CredentialsUnavailable,
        )
        for account in settings.accounts
        if account.alidns
    }


def _oss_inventory(account: AccountSettings, around: Surroundings) -> OssInventory:
    return OssInventory(
        OssAccount(
            name=account.name,
            endpoint=account.endpoint,
            region=account.region,
            buckets=tuple(glob.text for glob in account.buckets),
            concurrency=account.concurrency,
            timeout=account.timeout.total_seconds(),
            attempts=account.attempts,
        ),
        credentials_of(account.credentials, around),
    )


def credentials_of(given: configured.AnyCredentials, around: Surroundings) -> CredentialsProvider:
    """Return where an account's keys come from; nothing is read yet."""
    match given:
        case configured.EnvCredentials():
            return EnvironmentCredentials(around.environ)
        case configured.FileCredentials():
            return FileCredentials(given.path)
        case configured.EcsRoleCredentials():
            place = "/latest/meta-data/ram/security-credentials/"
            return EcsRoleCredentials(given.metadata_url.rstrip("/") + place + given.role)
        case configured.StaticCredentials():
            token = given.security_token
            return StaticCredentials(
                revealing(given.access_key_id, around),
                revealing(given.access_key_secret, around),
                revealing(token, around) if token else str,
            )


def revealing(
    reference: Reference,
    around: Surroundings,
    unavailable: type[Exception] = CredentialsUnavailable,
) -> Callable[[], str]:
    """Return what reads a secret when it is needed; where there is none, it is `unavailable`."""

    def reveal() -> str:
        try:
            return around.secrets.learn(reference.reveal(around.environ))
        except SecretUnavailable as error:
            raise unavailable(str(error)) from error

    return reveal
