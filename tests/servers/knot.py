"""Knot DNS as a child process."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.endpoints import Endpoint, free_endpoint
from tests.servers.installed import require
from tests.servers.process import control, home
from tests.servers.zone_server import ZoneServer, serving, zone_file


@dataclass(frozen=True, slots=True)
class Knot:
    """Knot on zone texts by name; `at` is where it listens, a free endpoint unless given."""

    zones: Mapping[str, str]
    at: tuple[Endpoint, ...] = ()

    @contextmanager
    def running(self) -> Iterator[ZoneServer]:
        """Serve the zones until the block ends."""
        knotd, knotc = require("knotd"), require("knotc")
        endpoints = self.at or (free_endpoint(),)
        with home("knot") as directory:
            config = directory / "knot.conf"
            config.write_text(self._config(endpoints, directory))

            def reload(zone: str) -> None:
                control([knotc, "-s", directory / "knot.sock", "-b", "zone-reload", zone])

            command = (knotd, "-c", config)
            with serving(self.zones, endpoints, command, directory, reload) as server:
                yield server

    def _config(self, endpoints: tuple[Endpoint, ...], directory: Path) -> str:
        # Without a journal the file is the whole truth, so a reload never merges old changes.
        lines = [
            f'server:\n  rundir: "{directory}"\n  nsid: knot.test',
            "  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1",
            f"  listen: [{', '.join(f'{at.address}@{at.port}' for at in endpoints)}]",
            "log:\n  - target: stderr\n    any: info",
            f'database:\n  storage: "{directory}"',
            f'control:\n  listen: "{directory}/knot.sock"',
            "template:\n  - id: default\n    journal-content: none\n    zonefile-sync: -1",
            "zone:",
        ]
        for name in self.zones:
            lines += [f'  - domain: "{name}"', f'    file: "{zone_file(directory, name)}"']
        return "\n".join(lines) + "\n"
