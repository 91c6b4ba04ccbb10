from datetime import timedelta

from monitor.core.inventory import Listing
from monitor.ports import Server


class RecordingTelemetry:
    """Remembers what was counted."""

    def __init__(self) -> None:
        self.probes: list[tuple[str, str]] = []
        self.listings: list[Listing] = []
        self.rounds: list[str] = []
        self.store_failures = 0

    def probed(self, server: Server, outcome: str, _rtt: timedelta) -> None:
        self.probes.append((server.name, outcome))

    def listed(self, listing: Listing) -> None:
        self.listings.append(listing)

    def round_done(self, kind: str, _duration: timedelta) -> None:
        self.rounds.append(kind)

    def store_failed(self) -> None:
        self.store_failures += 1
