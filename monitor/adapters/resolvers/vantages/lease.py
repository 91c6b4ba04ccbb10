"""Of several coordinators one leads: who holds a key in JetStream, and keeps writing it.

Nobody compares clocks: a standby takes over when the key has stayed as it was for longer, by its
own clock, than the leader goes on without having written it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import nats.errors
import nats.js.api
import nats.js.errors
import structlog
from nats.js.kv import KeyValue

from monitor.adapters.resolvers.obeying import obeying
from monitor.adapters.resolvers.vantages.broker import Away, Broker, BrokerAddress, connected
from monitor.adapters.resolvers.vantages.link import Link

log = structlog.get_logger()

_BUCKET = "OCM_LEASE"
_WRITE = 1.5  # seconds between two writes of the leader, and two looks of a standby
_STEP_DOWN = 6.0  # the leader stops when it could not write for so long
_TAKE_OVER = 9.0  # a standby takes over when nobody has written for so long
_AGAIN = 1.0

_FAILURES = (nats.errors.Error, OSError, asyncio.TimeoutError)


@dataclass(slots=True)
class Lease:
    """The key of that name, for a holder whose name no other has."""

    address: BrokerAddress
    name: str
    holder: str
    is_lost: bool = field(default=False, init=False)
    _link: Link = field(default_factory=lambda: Link("lease"))

    @asynccontextmanager
    async def led(self, stopped: asyncio.Event) -> AsyncIterator[bool]:
        """Wait for the lease and yield True; False when `stopped` is set before.

        Sets `stopped` when the lease is lost, so that whoever leads ends. Lets go of it at the
        end, so that the next one need not wait.
        """
        async with AsyncExitStack() as stack:
            taking = asyncio.ensure_future(self._take(stack))
            stack.push_async_callback(_ended, taking)
            ending = asyncio.ensure_future(stopped.wait())
            stack.callback(ending.cancel)
            await asyncio.wait({taking, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                yield False
                return
            bucket, revision = taking.result()
            keeping = asyncio.ensure_future(self._keep(bucket, revision, stopped))
            try:
                yield True
            finally:
                keeping.cancel()
                await self._let_go(bucket)

    async def _take(self, stack: AsyncExitStack) -> tuple[KeyValue, int]:
        """Return the bucket, and the revision of the key once it is ours."""
        while True:
            async with AsyncExitStack() as attempt:
                try:
                    broker = await attempt.enter_async_context(
                        connected(
                            self.address,
                            f"oss-cname-monitor lease {self.holder}",
                            "_INBOX_coordinator",
                            self._link,
                        )
                    )
                    bucket = await _bucket(broker)
                    self._link.up()
                    revision = await self._wait(bucket)
                except (Away, *_FAILURES) as error:
                    self._link.lost(str(error) or type(error).__name__)
                else:
                    await stack.enter_async_context(attempt.pop_all())
                    return bucket, revision
            await asyncio.sleep(_AGAIN)

    async def _wait(self, bucket: KeyValue) -> int:
        loop = asyncio.get_running_loop()
        seen, since = -1, loop.time()
        while True:
            holder, revision = await self._entry(bucket)
            if revision != seen:
                if seen < 0 and holder:
                    log.info("lease.standby", lease=self.name)
                seen, since = revision, loop.time()
            if not holder or loop.time() - since > _TAKE_OVER:
                with suppress(nats.js.errors.KeyWrongLastSequenceError):  # another was faster
                    ours = await self._write(bucket, self.holder, revision)
                    log.info("lease.taken", lease=self.name)
                    return ours
            await asyncio.sleep(_WRITE)

    async def _keep(self, bucket: KeyValue, revision: int, stopped: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        written = loop.time()
        while loop.time() - written < _STEP_DOWN:
            try:
                revision = await self._write(bucket, self.holder, revision)
                written = loop.time()
            except nats.js.errors.KeyWrongLastSequenceError:
                holder, revision = await self._entry(bucket)
                if holder != self.holder:  # otherwise it was our own, without an answer
                    break
            except _FAILURES as error:
                log.warning("lease.not_written", error=str(error))
            await asyncio.sleep(_WRITE)
        log.error("lease.lost", lease=self.name)
        self.is_lost = True
        stopped.set()

    async def _let_go(self, bucket: KeyValue) -> None:
        with suppress(*_FAILURES):
            holder, revision = await self._entry(bucket)
            if holder == self.holder:
                await self._write(bucket, "", revision)

    async def _write(self, bucket: KeyValue, holder: str, revision: int) -> int:
        return await obeying(bucket.update(self.name, holder.encode(), last=revision))

    async def _entry(self, bucket: KeyValue) -> tuple[str, int]:
        """Return who holds the key, or nobody, and its revision."""
        try:
            entry = await obeying(bucket.get(self.name))
        except nats.js.errors.KeyNotFoundError:
            return "", 0
        return (entry.value or b"").decode(errors="replace"), entry.revision or 0


async def _ended(task: "asyncio.Future[tuple[KeyValue, int]]") -> None:
    """Cancel it, and return when it has let go of what it holds."""
    task.cancel()
    await asyncio.wait({task})


async def _bucket(broker: Broker) -> KeyValue:
    try:
        return await obeying(broker.streams.key_value(_BUCKET))
    except nats.js.errors.BucketNotFoundError:
        config = nats.js.api.KeyValueConfig(_BUCKET, history=1)
        return await obeying(broker.streams.create_key_value(config))
