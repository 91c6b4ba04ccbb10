from datetime import timedelta

from monitor.core.events import Event
from monitor.core.inventory import Listing
from monitor.core.provider import ProviderFailure
from monitor.core.servers import Resolver
from monitor.core.serving import BucketSign
from monitor.ports import DeliveryFailure, Server, Swept


class RecordingTelemetry:
    """Remembers what was counted."""

    def __init__(self) -> None:
        self.probes: list[tuple[str, str]] = []
        self.listings: list[Listing] = []
        self.rounds: list[str] = []
        self.first_looks: list[bool] = []
        self.events: list[Event] = []
        self.visits: list[BucketSign] = []
        self.provider_failures: list[tuple[str, str]] = []
        self.store_failures = 0
        self.waiting_steps: list[int] = []
        self.pushes: list[tuple[str, str]] = []
        self.delayed: list[str] = []

    def probed(self, server: Server, outcome: str, _rtt: timedelta) -> None:
        self.probes.append((server.name, outcome))

    def swept(self, resolver: Resolver, swept: Swept) -> None:
        self.probes += [
            (resolver.name, outcome)
            for outcome, count in swept.outcomes.items()
            for _ in range(count)
        ]

    def listed(self, listing: Listing) -> None:
        self.listings.append(listing)

    def round_done(self, kind: str, _duration: timedelta) -> None:
        self.rounds.append(kind)

    def first_look_lasts(self, *, is_too_long: bool) -> None:
        self.first_looks.append(is_too_long)

    def visited(self, sign: BucketSign) -> None:
        self.visits.append(sign)

    def provider_failed(self, account: str, failure: ProviderFailure) -> None:
        self.provider_failures.append((account, failure.reason.value))

    def happened(self, event: Event) -> None:
        self.events.append(event)

    def store_failed(self) -> None:
        self.store_failures += 1

    def store_waits(self, steps: int) -> None:
        self.waiting_steps.append(steps)

    def pushed(self, alertmanager: str, failure: DeliveryFailure | None) -> None:
        self.pushes.append((alertmanager, failure.value if failure else "success"))

    def notice_delayed(self, channel: str) -> None:
        self.delayed.append(channel)
