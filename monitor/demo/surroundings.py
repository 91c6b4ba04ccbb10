"""What is around a daemon, embedded: authorities, caches and OSS, which serve on loopback."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Self

from monitor.demo.authority import Authority
from monitor.demo.caches import Cache
from monitor.demo.oss import OssEndpoint
from monitor.demo.oss_state import DemoAccount, OssState


class Surroundings:
    """They serve while it is entered, and all of them may be changed meanwhile.

    `caches` are by name; `key` is the account's first one, also when it is no longer valid.
    """

    def __init__(
        self,
        authorities: Sequence[Authority],
        caches: Mapping[str, Cache],
        account: DemoAccount,
        now: Callable[[], datetime],
    ) -> None:
        self.authorities = authorities
        self.caches = caches
        self.account = account
        self.key = account.keys[0]
        self.oss_state = OssState([account], now)
        self.oss = OssEndpoint(self.oss_state)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for authority in self.authorities:
            await self._open.enter_async_context(authority)
        for cache in self.caches.values():
            await self._open.enter_async_context(cache)
        await self._open.enter_async_context(self.oss)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()
