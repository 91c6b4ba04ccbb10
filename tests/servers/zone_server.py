"""A running authoritative server, whatever program it is."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.flags
import dns.name
from dns.rdataclass import IN
from dns.rdatatype import SOA

from tests.servers.endpoints import Endpoint
from tests.servers.process import ServerProcess, running
from tests.servers.questions import ask
from tests.servers.zone_text import absolute, file_name, serial_of, with_records

_ON_END = 5


@dataclass(frozen=True, slots=True)
class ZoneServer:
    """Serves zone files on one port of one or more addresses."""

    endpoints: tuple[Endpoint, ...]
    process: ServerProcess
    directory: Path
    reload: Callable[[str], None]

    @property
    def endpoint(self) -> Endpoint:
        return self.endpoints[0]

    @property
    def address(self) -> str:
        return self.endpoint.address

    @property
    def port(self) -> int:
        return self.endpoint.port

    def text(self, zone: str) -> str:
        """Return a zone as it is served now."""
        return zone_file(self.directory, zone).read_text()

    def replace(self, zone: str, text: str) -> None:
        """Serve another text of a zone; on return every address does.

        The serial must differ from the one before, since it tells when the text has arrived.
        """
        serial = serial_of(zone, text)
        if serial == serial_of(zone, self.text(zone)):
            raise ValueError(f"the new text of {zone} has the serial of the old one")
        _write(self.directory, zone, text)
        self.reload(zone)
        # Several times on end: a child that leaves may still answer beside the one that comes.
        asked = self.endpoints * _ON_END
        self.process.wait_until(
            lambda: all(_serves(at, zone, serial) for at in asked), f"reloading {zone}"
        )

    def change(self, zone: str, owner: str, *records: str) -> None:
        """Give one name other records, such as `60 CNAME target.example.`; none removes it."""
        self.replace(zone, with_records(zone, self.text(zone), owner, *records))

    def silent(self) -> AbstractContextManager[None]:
        """Leave questions unanswered inside the block."""
        return self.process.silent()


@contextmanager
def serving(
    zones: Mapping[str, str],
    endpoints: tuple[Endpoint, ...],
    command: tuple[str | Path, ...],
    directory: Path,
    reload: Callable[[str], None],
) -> Iterator[ZoneServer]:
    """Run a server on zone files that lie in its directory, from the moment it serves them all."""
    for zone, text in zones.items():
        _write(directory, zone, text)
    serials = {zone: serial_of(zone, text) for zone, text in zones.items()}

    def is_ready() -> bool:
        return all(_serves(at, *expected) for at in endpoints for expected in serials.items())

    with running(command, directory / "server.log", is_ready) as process:
        yield ZoneServer(endpoints, process, directory, reload)


def zone_file(directory: Path, zone: str) -> Path:
    """Return where the text of a zone lies."""
    return directory / file_name(zone)


def _write(directory: Path, zone: str, text: str) -> None:
    # At one stroke: the server may read at any moment.
    fresh = zone_file(directory, zone).with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(zone_file(directory, zone))


def _serves(at: Endpoint, zone: str, serial: int) -> bool:
    try:
        answer = ask(at, absolute(zone), "SOA", recursive=False, timeout=0.05)
    except (dns.exception.DNSException, OSError):
        return False
    found = answer.get_rrset(answer.answer, dns.name.from_text(zone), IN, SOA)
    return bool(answer.flags & dns.flags.AA) and found is not None and found[0].serial == serial
