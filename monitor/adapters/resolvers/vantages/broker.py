"""NATS JetStream between coordinator and workers: the one place that knows it.

A vantage has a stream of its own for its jobs, so that its credential can be bound to that, and
all share one for what was heard, each under its own subject. The server keeps what is under way
in files; after a crash of its machine it may lack the newest, since it syncs lazily. So nothing
here is the truth: who placed a job keeps a lease on it, and places it again.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

import nats.errors
import nats.js.api
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from monitor.adapters.resolvers.obeying import obeying
from monitor.adapters.resolvers.vantages.frames import MOST_WIRE
from monitor.adapters.resolvers.vantages.link import Link

log = structlog.get_logger()

_ROOT = "ocm.v1"  # the number is the wire format's
_ROLL_CALL = f"{_ROOT}.call"  # of a coordinator that has just come
_HEARD_STREAM = "OCM_HEARD"
_COORDINATOR = "coordinator"

# A worker that is at work says so more often; a job of one that died goes to another so soon.
ACK_WAIT = 4.0
AT_WORK = 1.0
_MAX_DELIVER = 5  # then it is poison, or there is nobody: its lease runs out
_JOB_LIFE = 300.0  # seconds; a stale batch is worth nothing, and the lease has run out before
_HEARD_LIFE = 300.0
_MOST_JOBS_OCTETS = 64 << 20
_MOST_HEARD_OCTETS = 256 << 20
_DUPLICATES = 120.0
_FETCH = 2.0  # seconds that one request for messages waits
_AGAIN = 0.25  # seconds after a failure
_ANSWER = 5.0  # seconds for an answer of the server
_CLOSE = 2.0  # seconds to say goodbye: who takes nothing any more would keep us for ever
# In seconds; it goes on trying for ever, and takes a server for gone that answers no ping.
_PERSEVERING: Mapping[str, Any] = {
    "connect_timeout": 3,
    "allow_reconnect": True,
    "max_reconnect_attempts": -1,
    "reconnect_time_wait": 0.25,
    "ping_interval": 5,
    "max_outstanding_pings": 2,
}

_FAILURES = (nats.errors.Error, OSError, asyncio.TimeoutError)


class Kind(Enum):
    """What a job is: urgent ones do not wait behind sweeps."""

    SWEEP = "sweep"
    ERRAND = "errand"


class Full(Exception):
    """The stream takes no more: those who take out are slower than those who put in."""


class Away(Exception):
    """The broker cannot be reached, or does not let us; the message says which."""


class Gone(Away):
    """The broker is there, and the stream is not: it has lost what it kept, or just starts."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is, and who we are there; `login` is "user:password"."""

    url: str
    login: str | None = None
    tls_ca: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that will come again unless it is `done` within the wait for that."""

    vantage: str
    data: bytes
    message: Msg

    async def done(self) -> None:
        with suppress(*_FAILURES):
            await obeying(self.message.ack())

    async def at_work(self) -> None:
        with suppress(*_FAILURES):
            await obeying(self.message.in_progress())


class Broker:
    """A connection that mends itself."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._stream = client.jetstream(timeout=_ANSWER)

    async def prepare(self, vantages: tuple[str, ...], max_ack_pending: int) -> None:
        """Make the streams and consumers that are needed. Raises Away."""
        try:
            await self._ensure_stream(
                _HEARD_STREAM, f"{_ROOT}.heard.*", _HEARD_LIFE, _MOST_HEARD_OCTETS
            )
            await self._ensure_consumer(_HEARD_STREAM, _COORDINATOR, None, 1000)
            for vantage in vantages:
                stream = _jobs_stream(vantage)
                await self._ensure_stream(
                    stream, f"{_ROOT}.jobs.{vantage}.*", _JOB_LIFE, _MOST_JOBS_OCTETS
                )
                for kind in Kind:
                    subject = _jobs_subject(vantage, kind)
                    await self._ensure_consumer(stream, kind.value, subject, max_ack_pending)
        except _FAILURES as error:
            raise Away(f"the streams cannot be made: {error}") from error

    async def place(self, vantage: str, kind: Kind, number: str, wire: bytes) -> None:
        """Return when the server has the job. Raises Full and Away."""
        await self._publish(_jobs_subject(vantage, kind), wire, number)

    async def send_heard(self, vantage: str, number: str, wire: bytes) -> None:
        """Return when the server has what was heard. Raises Full and Away."""
        await self._publish(f"{_ROOT}.heard.{vantage}", wire, number)

    async def beat(self, vantage: str, wire: bytes) -> None:
        """Say that a worker is there; where nobody hears it, nothing happens. Raises Away."""
        if not self._client.is_connected:  # it would be kept, and flushing tells nothing of that
            raise Away("the connection broke")
        try:
            await obeying(self._client.publish(f"{_ROOT}.beats.{vantage}", wire))
            await obeying(self._client.flush(timeout=2))
        except _FAILURES as error:
            raise Away(str(error)) from error

    async def call_the_roll(self) -> None:
        """Have every worker beat now. Raises Away."""
        try:
            await obeying(self._client.publish(_ROLL_CALL))
        except _FAILURES as error:
            raise Away(str(error)) from error

    async def hear_the_roll_call(self, answer: Callable[[], Awaitable[None]]) -> None:
        async def called(_: Msg) -> None:
            await answer()

        await obeying(self._client.subscribe(_ROLL_CALL, cb=called))

    async def hear_beats(self, take: Callable[[str, bytes], None]) -> None:
        async def taken(message: Msg) -> None:
            take(message.subject.rpartition(".")[2], message.data)

        await obeying(self._client.subscribe(f"{_ROOT}.beats.*", cb=taken))

    def jobs(self, vantage: str, kind: Kind, most: int) -> AsyncIterator[Delivery]:
        """Yield jobs for ever, so many of them taken at a time. Raises Away when it is over."""
        return self._deliveries(_jobs_stream(vantage), kind.value, most, lambda _: vantage)

    def heard(self) -> AsyncIterator[Delivery]:
        """Yield what was heard, for ever. Raises Away when it is over."""
        return self._deliveries(
            _HEARD_STREAM, _COORDINATOR, 20, lambda subject: subject.rpartition(".")[2]
        )

    async def _publish(self, subject: str, wire: bytes, number: str) -> None:
        assert len(wire) <= MOST_WIRE
        try:
            await obeying(self._stream.publish(subject, wire, headers={"Nats-Msg-Id": number}))
        except nats.js.errors.ServiceUnavailableError as error:
            raise Full(str(error)) from error
        except nats.js.errors.NoStreamResponseError as error:
            raise Gone(str(error)) from error
        except _FAILURES as error:
            raise Away(str(error) or type(error).__name__) from error

    async def _deliveries(
        self, stream: str, consumer: str, most: int, vantage_of: Callable[[str], str]
    ) -> AsyncIterator[Delivery]:
        subscription = await obeying(self._stream.pull_subscribe_bind(consumer, stream))
        while True:
            try:
                messages = await obeying(subscription.fetch(most, timeout=_FETCH))
            except (TimeoutError, nats.errors.TimeoutError):
                continue
            except _FAILURES as error:
                if self._client.is_closed:
                    raise Away("the server ended the connection") from error
                log.debug("broker.no_messages", stream=stream, error=str(error))
                await asyncio.sleep(_AGAIN)
                continue
            for message in messages:
                yield Delivery(vantage_of(message.subject), message.data, message)

    async def _ensure_stream(self, name: str, subject: str, life: float, octets: int) -> None:
        config = nats.js.api.StreamConfig(
            name=name,
            subjects=[subject],
            retention=nats.js.api.RetentionPolicy.WORK_QUEUE,
            discard=nats.js.api.DiscardPolicy.NEW,  # who puts in is told, and waits
            max_bytes=octets,
            max_age=life,
            max_msg_size=MOST_WIRE + 1000,
            storage=nats.js.api.StorageType.FILE,
            duplicate_window=_DUPLICATES,
        )
        try:
            await obeying(self._stream.update_stream(config))
        except nats.js.errors.NotFoundError:
            await obeying(self._stream.add_stream(config))

    async def _ensure_consumer(
        self, stream: str, name: str, subject: str | None, max_ack_pending: int
    ) -> None:
        config = nats.js.api.ConsumerConfig(
            durable_name=name,
            filter_subject=subject,
            ack_policy=nats.js.api.AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT,
            max_deliver=_MAX_DELIVER,
            max_ack_pending=max_ack_pending,
        )
        await obeying(self._stream.add_consumer(stream, config))

    @property
    def streams(self) -> JetStreamContext:
        """What else JetStream offers, for those who keep something else in it."""
        return self._stream


@asynccontextmanager
async def connected(
    address: BrokerAddress, name: str, inbox: str, link: Link
) -> AsyncIterator[Broker]:
    """Yield a connection; it goes on trying when it breaks. Raises Away where none can be had.

    The link is told when it breaks and when it is mended; that it is up at first, by who uses it.
    """
    is_ours = False

    async def broke() -> None:
        if not is_ours:
            link.lost("the connection broke")

    async def mended() -> None:
        link.up()

    user, _, password = (address.login or "").partition(":")
    context = None
    if address.url.startswith("tls://"):
        context = ssl.create_default_context(cafile=address.tls_ca)
    client = Client()
    try:
        connecting = client.connect(
            address.url,
            name=name,
            user=user or None,
            password=password or None,
            tls=context,
            inbox_prefix=inbox,
            **_PERSEVERING,
            error_cb=_telling(link.failed),
            disconnected_cb=broke,
            reconnected_cb=mended,
        )
        try:
            await obeying(connecting)
        except _FAILURES as error:
            raise Away(str(error) or type(error).__name__) from error
        yield Broker(client)
    finally:
        is_ours = True
        await _closed(client)  # also where we were cancelled just as it was connected


async def _closed(client: Client) -> None:
    """Close it, whatever that meets, and wait for that no longer than is sensible."""
    closing = asyncio.ensure_future(client.close())
    closing.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        await asyncio.wait({closing}, timeout=_CLOSE)
    finally:
        closing.cancel()


def inbox_of(vantage: str) -> str:
    """Return the subject under which answers of the server come to a worker there."""
    return f"_INBOX_{vantage}"


def _jobs_stream(vantage: str) -> str:
    return f"OCM_JOBS_{vantage}"


def _jobs_subject(vantage: str, kind: Kind) -> str:
    return f"{_ROOT}.jobs.{vantage}.{kind.value}"


def _telling(take: Callable[[Exception], None]) -> Callable[[Exception], Awaitable[None]]:
    async def told(error: Exception) -> None:
        take(error)

    return told
