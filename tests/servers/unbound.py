"""Unbound as a child process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from monitor.demo.ports import CANDIDATES
from tests.servers.cache_server import NOWHERE, CacheServer, Stubs, is_awake
from tests.servers.certificates import Certificate
from tests.servers.endpoints import Endpoint, free_endpoint
from tests.servers.installed import require
from tests.servers.process import control, home, running


@dataclass(frozen=True, slots=True)
class Unbound:
    """A cache that asks the given authorities; delegations below them are taken at port 53.

    A certificate opens DoT and DoH on further ports. `overrides` are records in zone file form
    that it tells instead of the truth. `extra` are lines of the `server:` clause. Where it
    `serves_stale`, an `optimistic` one tells stale records at once and asks only then.
    """

    stubs: Stubs
    certificate: Certificate | None = None
    min_ttl: int = 0
    max_ttl: int = 86_400
    serves_stale: bool = False
    optimistic: bool = False
    overrides: Sequence[str] = ()
    extra: Sequence[str] = ()
    at: Endpoint = field(default_factory=free_endpoint)

    @contextmanager
    def running(self) -> Iterator[CacheServer]:
        """Answer until the block ends."""
        unbound, unbound_control = require("unbound"), require("unbound-control")
        dot = free_endpoint(self.at.address) if self.certificate else None
        doh = free_endpoint(self.at.address) if self.certificate else None
        with home("unbound") as directory:
            config = directory / "unbound.conf"
            config.write_text(self._config(directory, dot, doh))

            def flush() -> None:
                # Not flush_zone: with serve-expired that only makes the records stale.
                control([unbound_control, "-c", config, "reload"])
                process.wait_until(lambda: is_awake(self.at), "the flush")

            command = (unbound, "-d", "-c", config)
            with running(command, directory / "server.log", lambda: is_awake(self.at)) as process:
                ca_file = str(self.certificate.ca_file) if self.certificate else None
                yield CacheServer("unbound", self.at, process, flush, ca_file, dot, doh)

    def _config(self, directory: Path, dot: Endpoint | None, doh: Endpoint | None) -> str:
        lines = [
            "server:",
            f'  directory: "{directory}"\n  username: ""\n  chroot: ""\n  pidfile: ""',
            "  use-syslog: no\n  num-threads: 1\n  do-ip6: no\n  nsid: ascii_unbound.test",
            "  access-control: 127.0.0.0/8 allow\n  do-not-query-localhost: no",
            "  outgoing-interface: 127.0.0.1",
            # So that no question takes the port of a server that is about to start.
            f"  outgoing-port-avoid: {CANDIDATES[0]}-{CANDIDATES[-1]}",
            # Nothing here is signed: no validator.
            '  module-config: "iterator"\n  ede: yes',
            # It is one of the zones that it knows to be empty (RFC 6761 section 6.2).
            '  local-zone: "test." nodefault',
            # An authority that comes back after silence is asked again at once.
            "  infra-host-ttl: 1\n  infra-keep-probing: yes",
            f"  cache-min-ttl: {self.min_ttl}\n  cache-max-ttl: {self.max_ttl}",
            *_listening(self.at, dot, doh, self.certificate),
            *_staleness(is_served=self.serves_stale, is_first=self.optimistic),
            *(f"  local-data: '{record}'" for record in self.overrides),
            *(f"  {line}" for line in self.extra),
            "remote-control:\n  control-enable: yes\n  control-use-cert: no",
            f"  control-interface: {directory}/control.sock",
        ]
        for zone, authorities in ({".": (Endpoint(NOWHERE, 53),)} | dict(self.stubs)).items():
            lines += [f'stub-zone:\n  name: "{zone}"']
            lines += [f"  stub-addr: {at.address}@{at.port}" for at in authorities]
        return "\n".join(lines) + "\n"


def _staleness(*, is_served: bool, is_first: bool) -> Iterator[str]:
    if is_served:
        yield "  serve-expired: yes\n  serve-expired-ttl: 259200\n  serve-expired-reply-ttl: 30"
        # Short of the 1.8 s of RFC 8767 section 5, so that tests need not wait.
        patience = 0 if is_first else 200
        yield f"  serve-expired-client-timeout: {patience}\n  ede-serve-expired: yes"


def _listening(
    plain: Endpoint, dot: Endpoint | None, doh: Endpoint | None, certificate: Certificate | None
) -> Iterator[str]:
    for at in filter(None, (plain, dot, doh)):
        yield f"  interface: {at.address}@{at.port}"
    if dot and doh and certificate:
        yield f"  tls-port: {dot.port}\n  https-port: {doh.port}"
        yield f'  tls-service-pem: "{certificate.chain_file}"'
        yield f'  tls-service-key: "{certificate.key_file}"'
