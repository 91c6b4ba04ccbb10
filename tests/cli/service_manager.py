"""A service manager's end of the protocol of sd_notify(3): a socket, and what came in over it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

Message: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Heard:
    """Who listens, under which name, and all that was said so far, oldest first."""

    address: str
    messages: list[Message] = field(default_factory=list)

    def having(self, *keys: str) -> list[Message]:
        return [message for message in self.messages if set(keys) <= set(message)]


@asynccontextmanager
async def hearing(address: str) -> AsyncIterator[Heard]:
    """Listen at a path, or at `@` and a name, until the block ends."""
    heard = Heard(address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.setblocking(False)
        line.bind(address.replace("@", "\0"))
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(_listen(line, heard.messages))
            yield heard
            listening.cancel()


async def _listen(line: socket.socket, messages: list[Message]) -> None:
    while True:
        datagram = await asyncio.get_running_loop().sock_recv(line, 65_536)
        lines = datagram.decode().splitlines()
        messages.append(dict(said.split("=", 1) for said in lines))
