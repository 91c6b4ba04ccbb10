"""What is needed for resolvers that are asked from other places; only then is this imported."""

import os
import re
import socket
from dataclasses import dataclass

from monitor import __version__
from monitor.adapters.resolvers.prober import DnsProber
from monitor.adapters.resolvers.vantages.afar import FarProber, FarSweeper
from monitor.adapters.resolvers.vantages.broker import BrokerAddress
from monitor.adapters.resolvers.vantages.divided import DividedProber, DividedSweeper
from monitor.adapters.resolvers.vantages.lease import Lease
from monitor.adapters.resolvers.vantages.office import Office, VantageTelemetry
from monitor.adapters.resolvers.vantages.worker import Identity, Worker
from monitor.assembly.parts import NotAvailable, Surroundings
from monitor.config import SecretUnavailable, Settings
from monitor.config.distributed import Distributed
from monitor.ports import Prober, Sweeper, SweepTelemetry


@dataclass(frozen=True, slots=True)
class Vantages:
    """Implements `Afar`."""

    office: Office

    async def run(self) -> None:
        await self.office.run()

    def prober(self, here: DnsProber) -> Prober:
        return DividedProber(here, FarProber(self.office, here, self.office.clock))

    def sweeper(self, here: Sweeper, prober: DnsProber, telemetry: SweepTelemetry) -> Sweeper:
        far = FarSweeper(self.office, prober, self.office.clock, telemetry)
        return DividedSweeper(here, far)


def vantages_of(
    settings: Settings, given: Distributed, around: Surroundings, telemetry: VantageTelemetry
) -> Vantages:
    """Return the coordinator's side; nothing is connected yet. Raises NotAvailable."""
    named = dict.fromkeys(r.vantage for r in settings.resolvers if r.vantage is not None)
    address = address_of(given, around)
    return Vantages(Office(address, tuple(named), around.clock, telemetry, __version__))


def lease_of(name: str, given: Distributed, around: Surroundings) -> Lease:
    """Return the lease that this process may hold. Raises NotAvailable."""
    return Lease(address_of(given, around), name, os.urandom(8).hex())


def worker_of(given: Distributed, around: Surroundings) -> Worker:
    """Return the worker of a vantage. Raises NotAvailable."""
    if given.vantage is None:
        raise NotAvailable("distributed.vantage: a worker must know where it is")
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:40]
    identity = Identity(given.vantage, f"{host}-{os.urandom(4).hex()}", __version__)
    return Worker(address_of(given, around), identity, around.clock)


def address_of(given: Distributed, around: Surroundings) -> BrokerAddress:
    """Return where the broker is, and who we are there. Raises NotAvailable."""
    login = None
    if given.credentials is not None:
        try:
            login = around.secrets.learn(given.credentials.reveal(around.environ))
        except SecretUnavailable as error:
            raise NotAvailable(f"distributed.credentials: {error}") from error
        user, colon, password = login.partition(":")
        if not (user and colon and password):
            raise NotAvailable('distributed.credentials: must be "user:password"')
        around.secrets.learn(password)
    return BrokerAddress(given.nats_url, login, str(given.tls_ca) if given.tls_ca else None)
