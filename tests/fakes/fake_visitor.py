from collections.abc import Sequence

from monitor.core.names import DomainName
from monitor.core.serving import HttpAnswer, HttpOutcome, HttpSilence, SilenceReason, Visit
from monitor.ports import Clock

SERVES = HttpAnswer(403, "AliyunOSS", "5C3D9175B6FC201293AD4890", "AccessDenied")


class FakeVisitor:
    """Tells outcomes by domain, and remembers where it was sent."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.outcomes: dict[DomainName, HttpOutcome] = {}
        self.sent: list[tuple[str, tuple[str, ...]]] = []

    async def visit(self, domain: DomainName, addresses: Sequence[str]) -> Visit:
        self.sent.append((domain.text, tuple(addresses)))
        if not addresses:
            return Visit(self._clock.now(), HttpSilence(SilenceReason.NO_ADDRESS))
        return Visit(self._clock.now(), self.outcomes.get(domain, SERVES), addresses[0])
