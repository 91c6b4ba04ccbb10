"""A process that tells of a broken domain and is killed on the way; see the tests beside it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from monitor.adapters.clock import SystemClock
from monitor.adapters.stores.session import Access
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.message import Message
from monitor.core.names import DomainName
from monitor.core.notices.deciding import with_notices
from monitor.core.notices.dispatch import Limits, Parcel
from monitor.core.state import State, Step
from monitor.core.status import DomainStatus
from monitor.ledger import Ledger
from monitor.usecases.deliver import Deliver
from tests.core.notices.samples import domain, policy
from tests.core.samples import RIGHT, WRONG
from tests.fakes.notifiers import FileNotifier
from tests.fakes.recording_telemetry import RecordingTelemetry


class Doomed(FileNotifier):
    """Is killed just before or after the channel has taken the message."""

    def __init__(self, name: str, path: Path, moment: str) -> None:
        super().__init__(name, path)
        self._moment = moment

    async def send(self, message: Message) -> None:
        if self._moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await super().send(message)
        if self._moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)


def composed(_channel: str, parcel: Parcel) -> Message:
    notice = parcel.letters[0].notice
    title = f"{notice.domain.text} {notice.reason.value}"
    severity = notice.concern.severity
    return Message(parcel.key, title, "", severity, notice.is_over, notice.at)


async def tell(database: Path, messages: Path, moment: str, numbers: range) -> None:
    """Break and mend one domain after another, and tell of it until nothing waits."""
    clock, store = SystemClock(), SqliteStore(database, Access.OWN)
    ledger = Ledger(store, RecordingTelemetry())

    def companion(state: State, step: Step) -> Step:
        return with_notices(state, step, policy(), clock.now())

    await ledger.open()
    ledger.accompany(companion)
    limits = Limits(per_minute=10_000, digest_above=10_000)
    notifier = Doomed("oncall", messages, moment)
    office = Deliver(
        ledger, store, {"oncall": notifier}, composed, clock, RecordingTelemetry(), limits
    )
    async with asyncio.TaskGroup() as group:
        delivering = group.create_task(office.run())
        for number in numbers:
            is_broken = number % 2 == 0
            status = DomainStatus.BROKEN if is_broken else DomainStatus.IN_EFFECT
            name = DomainName(f"d{number // 2}.example")
            seen = domain(status, *(WRONG if is_broken else RIGHT,) * 8, name=name)
            await ledger.record(lambda _, seen=seen: Step((seen,)))  # type: ignore[misc]
            await asyncio.sleep(0)
        while await store.waiting(1):  # noqa: ASYNC110 - nobody tells when the last is sent
            await asyncio.sleep(0.01)
        delivering.cancel()
    await store.close()


if __name__ == "__main__":
    _, database_path, messages_path, at, begin, end = sys.argv
    numbers = range(int(begin), int(end))
    asyncio.run(tell(Path(database_path), Path(messages_path), at, numbers))
