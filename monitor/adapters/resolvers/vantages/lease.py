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
_LET_GO = 2.0  # seconds that an end waits for the broker; the next one takes over without that too

_FAILURES = (nats.errors.Error, OSError, asyncio.TimeoutError)


@dataclass(slots=True)
class Lease:
    """The key of that name, for a holder whose name no other has."""

    address: BrokerAddress
    name: str
    holder: str
    is_lost: bool = field(default=False, init=False)
    _revision: int = field(default=0, init=False)  # of the key, as far as we know
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
            bucket = taking.result()
            keeping = asyncio.ensure_future(self._keep(bucket, stopped))
            try:
                yield True
            finally:
                await _ended(keeping)
                await self._let_go(bucket)

    async def _take(self, stack: AsyncExitStack) -> KeyValue:
        """Return the bucket once the key in it is ours."""
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
                    await self._wait(bucket)
                except (Away, *_FAILURES) as error:
                    self._link.lost(str(error) or type(error).__name__)
                else:
                    await stack.enter_async_context(attempt.pop_all())
                    return bucket
            await asyncio.sleep(_AGAIN)

    async def _wait(self, bucket: KeyValue) -> None:
        loop = asyncio.get_running_loop()
        seen, since = -1, loop.time()
        while True:
            holder, revision = await self._entry(bucket)
            if revision != seen:
                if seen < 0 and holder:
                    log.info("lease.standby", lease=self.name)
                seen, since = revision, loop.time()
            if not holder or loop.time() - since > _TAKE_OVER:
                self._revision = revision
                with suppress(nats.js.errors.KeyWrongLastSequenceError):  # another was faster
                    await self._taken(bucket)
                    return
            await asyncio.sleep(_WRITE)

    async def _taken(self, bucket: KeyValue) -> None:
        try:
            await self._write(bucket, self.holder)
        except asyncio.CancelledError:
            await self._let_go(bucket)  # it may be ours by now, or in a moment
            raise
        log.info("lease.taken", lease=self.name)

    async def _keep(self, bucket: KeyValue, stopped: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        written = loop.time()
        while loop.time() - written < _STEP_DOWN:
            try:
                await self._write(bucket, self.holder)
                written = loop.time()
            except nats.js.errors.KeyWrongLastSequenceError:
                if not await self._may_be_ours(bucket):
                    break
            except _FAILURES as error:
                log.warning("lease.not_written", error=str(error))
            await asyncio.sleep(_WRITE)
        if not stopped.is_set():  # else that is why we end
            log.error("lease.lost", lease=self.name)
            self.is_lost = True
            stopped.set()

    async def _may_be_ours(self, bucket: KeyValue) -> bool:
        """Tell whether what is written there is our own, of which we had no answer."""
        try:
            holder, revision = await self._entry(bucket)
        except _FAILURES as error:  # who cannot write for long enough does not lead any more
            log.warning("lease.not_read", error=str(error))
            return True
        if holder != self.holder:
            return False
        self._revision = revision
        return True

    async def _let_go(self, bucket: KeyValue) -> None:
        """Write that nobody holds it, unless another does; a write of ours may be on its way."""
        with suppress(*_FAILURES):
            async with asyncio.timeout(_LET_GO):
                try:
                    await self._write(bucket, "")
                except nats.js.errors.KeyWrongLastSequenceError:
                    if await self._may_be_ours(bucket):
                        await self._write(bucket, "")

    async def _write(self, bucket: KeyValue, holder: str) -> None:
        """Write it if nobody has since the revision that we know."""
        writing = bucket.update(self.name, holder.encode(), last=self._revision)
        self._revision = await obeying(writing)

    async def _entry(self, bucket: KeyValue) -> tuple[str, int]:
        """Return who holds the key, or nobody, and its revision."""
        try:
            entry = await obeying(bucket.get(self.name))
        except nats.js.errors.KeyNotFoundError:
            return "", 0
        return (entry.value or b"").decode(errors="replace"), entry.revision or 0


async def _ended(task: "asyncio.Future[KeyValue] | asyncio.Future[None]") -> None:
    """Cancel it, and return when it has let go of what it holds."""
    task.cancel()
    await asyncio.wait({task})


async def _bucket(broker: Broker) -> KeyValue:
    try:
        return await obeying(broker.streams.key_value(_BUCKET))
    except nats.js.errors.BucketNotFoundError:
        config = nats.js.api.KeyValueConfig(_BUCKET, history=1)
        return await obeying(broker.streams.create_key_value(config))
