"""BIND as a child process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.cache_server import NOWHERE, CacheServer, Stubs, is_awake
from tests.servers.endpoints import Endpoint, free_endpoint
from tests.servers.installed import require
from tests.servers.process import control, home, running


@dataclass(frozen=True, slots=True)
class Bind:
    """A cache that starts at the given authorities and follows delegations on their port.

    All authorities share one port: BIND knows a single one for all that it asks. It takes no
    `min_ttl` above 90. `extra` are statements of the `options` clause.
    """

    stubs: Stubs
    min_ttl: int = 0
    max_ttl: int = 604_800
    serves_stale: bool = False
    extra: Sequence[str] = ()
    at: Endpoint = field(default_factory=free_endpoint)

    @contextmanager
    def running(self) -> Iterator[CacheServer]:
        """Answer until the block ends."""
        named, rndc = require("named"), require("rndc")
        with home("bind") as directory:
            controls = free_endpoint()
            (directory / "named.conf").write_text(self._config(directory, controls))
            (directory / "rndc.conf").write_text(_rndc_config(controls))
            (directory / "root.hints").write_text(self._hints())

            def flush() -> None:
                control([rndc, "-c", directory / "rndc.conf", "flush"])

            command = (named, "-g", "-4", "-n", "1", "-c", directory / "named.conf")
            with running(command, directory / "server.log", lambda: is_awake(self.at)) as process:
                yield CacheServer("bind", self.at, process, flush)

    def _config(self, directory: Path, controls: Endpoint) -> str:
        lines = [
            "options {",
            f'  directory "{directory}"; pid-file none; lock-file none;',
            f'  session-keyfile "{directory}/session.key";',
            f"  listen-on port {self.at.port} {{ {self.at.address}; }}; listen-on-v6 {{ none; }};",
            f"  port {self._authority_port()}; query-source address 127.0.0.1;",
            "  recursion yes; allow-query { 127.0.0.0/8; }; allow-recursion { 127.0.0.0/8; };",
            "  dnssec-validation no; empty-zones-enable no; max-cache-size 16m;",
            '  server-id "bind.test";',
            f"  min-cache-ttl {self.min_ttl}; max-cache-ttl {self.max_ttl};",
            *(_STALE if self.serves_stale else ()),
            *(f"  {statement}" for statement in self.extra),
            "};",
            _KEY,
            f"controls {{ inet {controls.address} port {controls.port}",
            "  allow { 127.0.0.0/8; } keys { control; }; };",
            'zone "." { type hint; file "root.hints"; };',
            *(_static_stub(zone, ats) for zone, ats in self.stubs.items() if zone != "."),
        ]
        return "\n".join(lines) + "\n"

    def _hints(self) -> str:
        roots = self.stubs.get(".", (Endpoint(NOWHERE, self._authority_port()),))
        lines = [
            f". 3600 NS r{i}.root-hints.\nr{i}.root-hints. 3600 A {at.address}\n"
            for i, at in enumerate(roots)
        ]
        return "".join(lines)

    def _authority_port(self) -> int:
        ports = {at.port for authorities in self.stubs.values() for at in authorities}
        if len(ports) != 1:
            raise ValueError(f"BIND asks all authorities on one port, not on {sorted(ports)}")
        return ports.pop()


# Stale records come soon, and an authority that comes back after silence is asked again at once.
_STALE = (
    "  stale-cache-enable yes; stale-answer-enable yes; stale-answer-ttl 30;",
    "  stale-answer-client-timeout 200; stale-refresh-time 0;",
)

# The control channel insists on a key; behind loopback it need not be secret.
_KEY = 'key control { algorithm hmac-sha256; secret "bG9vcGJhY2stb25seQ=="; };'


def _rndc_config(controls: Endpoint) -> str:
    options = f"default-server {controls.address}; default-port {controls.port};"
    return f"{_KEY}\noptions {{ default-key control; {options} }};\n"


def _static_stub(zone: str, authorities: Sequence[Endpoint]) -> str:
    addresses = " ".join(f"{at.address};" for at in authorities)
    return f'zone "{zone}" {{ type static-stub; server-addresses {{ {addresses} }}; }};'
