"""The whole configuration as one value."""

from pydantic import Field, field_validator

from monitor.config.accounts import AccountSettings
from monitor.config.alerting import Alerting
from monitor.config.authority import AuthoritySettings
from monitor.config.bindings import BindingSettings
from monitor.config.daemon import Daemon
from monitor.config.distributed import Distributed
from monitor.config.maintenance import Maintenance
from monitor.config.propagation import Propagation
from monitor.config.resolvers import DEFAULT_RESOLVERS, ResolverSettings
from monitor.config.schedule import HttpCheck, RetentionSettings, Schedule
from monitor.config.section import Section
from monitor.config.targets import Targets
from monitor.config.web import Web

BOOTSTRAP_COUNT = 3


class Settings(Section):
    """Every section; what the file leaves out has its default."""

    daemon: Daemon = Daemon()
    web: Web = Field(default_factory=Web)
    schedule: Schedule = Schedule()
    propagation: Propagation = Propagation()
    targets: Targets = Targets()
    resolvers: tuple[ResolverSettings, ...] = DEFAULT_RESOLVERS
    authority: AuthoritySettings = Field(default_factory=AuthoritySettings)
    bindings: tuple[BindingSettings, ...] = ()
    accounts: tuple[AccountSettings, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    alerting: Alerting = Alerting()
    http_check: HttpCheck = HttpCheck()
    retention: RetentionSettings = RetentionSettings()
    distributed: Distributed | None = None

    @field_validator("resolvers")
    @classmethod
    def _asks_somebody(cls, given: tuple[ResolverSettings, ...]) -> tuple[ResolverSettings, ...]:
        return given or DEFAULT_RESOLVERS

    @property
    def bootstrap_resolvers(self) -> tuple[ResolverSettings, ...]:
        """The resolvers that find name servers, in the order of `authority.bootstrap`."""
        if not self.authority.bootstrap:
            return self.resolvers[:BOOTSTRAP_COUNT]
        by_name = {resolver.name: resolver for resolver in self.resolvers}
        return tuple(by_name[name] for name in self.authority.bootstrap)
