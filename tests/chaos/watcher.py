"""Who follows the event stream, and remembers every record that it was ever told."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field

from tests.chaos.judging import Report

_PAUSE = 0.05  # seconds until it connects again
_LIMIT = 2**24  # octets of one line: a record holds every answer that it rests on


@dataclass(slots=True)
class Watcher:
    """Follows the stream at a port of 127.0.0.1, from where it was, through every interruption."""

    port: int
    reports: list[Report] = field(default_factory=list)

    async def run(self) -> None:
        """Follow until it is cancelled."""
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._follow()
            await asyncio.sleep(_PAUSE)

    async def _follow(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=_LIMIT)
        try:
            after = max((report.seq for report in self.reports), default=0)
            # HTTP/1.0, so that the stream comes as it is, and not in chunks.
            request = f"GET /api/v1/events?after={after} HTTP/1.0\r\nhost: 127.0.0.1\r\n\r\n"
            writer.write(request.encode())
            await reader.readuntil(b"\r\n\r\n")
            async for line in reader:
                self._take(line.decode())
        finally:
            writer.close()

    def _take(self, line: str) -> None:
        if line.startswith("data: ") and line.endswith("\n"):  # else it was cut off
            told = json.loads(line.removeprefix("data: "))
            report = Report(told["seq"], told["type"], "the event stream", told["hash"])
            self.reports.append(report)
