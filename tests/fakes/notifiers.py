"""Channels that write down what they take."""

import asyncio
import json
from pathlib import Path

from monitor.core.message import Message
from monitor.ports import NotDelivered


class ListNotifier:
    """Takes everything, but for the failures that it is given, one for each attempt.

    `None` among the failures is an attempt that it takes; with `hangs` it takes for ever.
    """

    def __init__(self, name: str = "oncall", *failures: NotDelivered | None) -> None:
        self.name = name
        self.messages: list[Message] = []
        self.attempts: list[str] = []
        self.failures = list(failures)
        self.hangs = False
        self.is_broken = False

    async def send(self, message: Message) -> None:
        self.attempts.append(message.key)
        if self.hangs:
            await asyncio.Event().wait()
        if self.is_broken:
            raise RuntimeError("the token is s3cret")
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.messages.append(message)


class FileNotifier:
    """Writes each message to a file as one line, so that it outlives the process."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self._path = path

    async def send(self, message: Message) -> None:
        line = json.dumps({"key": message.key, "title": message.title, "over": message.is_over})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
