"""NSD as a child process."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.endpoints import Endpoint, free_endpoint
from tests.servers.installed import require
from tests.servers.process import control, home
from tests.servers.zone_server import ZoneServer, serving, zone_file


@dataclass(frozen=True, slots=True)
class Nsd:
    """NSD on zone texts by name; `at` is where it listens, a free endpoint unless given."""

    zones: Mapping[str, str]
    at: tuple[Endpoint, ...] = ()

    @contextmanager
    def running(self) -> Iterator[ZoneServer]:
        """Serve the zones until the block ends."""
        nsd, nsd_control = require("nsd"), require("nsd-control")
        endpoints = self.at or (free_endpoint(),)
        with home("nsd") as directory:
            config = directory / "nsd.conf"
            config.write_text(self._config(endpoints, directory))

            def reload(zone: str) -> None:
                control([nsd_control, "-c", config, "reload", zone])

            command = (nsd, "-d", "-c", config)
            with serving(self.zones, endpoints, command, directory, reload) as server:
                yield server

    def _config(self, endpoints: tuple[Endpoint, ...], directory: Path) -> str:
        # No user and no chroot: the server stays who the tests are. The rate limit would read a
        # busy test as an attack.
        lines = [
            "server:",
            *(f"  ip-address: {at.address}@{at.port}" for at in endpoints),
            '  username: ""\n  chroot: ""\n  database: ""\n  server-count: 1',
            f'  zonesdir: "{directory}"\n  pidfile: "{directory}/nsd.pid"',
            f'  xfrdfile: "{directory}/xfrd.state"\n  xfrdir: "{directory}"',
            f'  zonelistfile: "{directory}/zone.list"',
            "  rrl-ratelimit: 0\n  verbosity: 1\n  nsid: ascii_nsd.test",
            "remote-control:\n  control-enable: yes",
            f'  control-interface: "{directory}/control.sock"',
        ]
        for name in self.zones:
            lines += ["zone:", f'  name: "{name}"', f'  zonefile: "{zone_file(directory, name)}"']
        return "\n".join(lines) + "\n"
