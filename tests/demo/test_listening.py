import asyncio
import struct
from datetime import timedelta

from monitor.core.servers import Transport
from monitor.demo.listening import Reply, listening
from monitor.demo.ports import free_port

HERE = "127.0.0.1"


def _echo(received: bytes, _: Transport) -> Reply | None:
    return Reply(received.upper())


def _framed(*messages: bytes) -> bytes:
    return b"".join(struct.pack("!H", len(message)) + message for message in messages)


async def test_several_questions_may_come_over_one_connection_in_any_pieces() -> None:
    port = free_port([HERE])
    async with listening(HERE, port, _echo):
        reader, writer = await asyncio.open_connection(HERE, port)
        sent = _framed(b"one", b"two", b"three")
        for start in range(0, len(sent), 4):
            writer.write(sent[start : start + 4])
            await writer.drain()
        assert await reader.readexactly(len(sent)) == _framed(b"ONE", b"TWO", b"THREE")
        writer.close()
        await writer.wait_closed()


async def test_open_connections_and_late_replies_do_not_keep_a_server_from_stopping() -> None:
    port = free_port([HERE])
    arrived = asyncio.Event()

    def some_day(received: bytes, _: Transport) -> Reply:
        arrived.set()
        return Reply(received, timedelta(days=1))

    async with listening(HERE, port, some_day):
        reader, writer = await asyncio.open_connection(HERE, port)
        writer.write(_framed(b"one"))
        await arrived.wait()
    assert isinstance(await _end_of(reader), bytes | ConnectionResetError)
    writer.close()
    assert free_port([HERE])


async def test_the_port_is_free_again_when_the_block_ends() -> None:
    port = free_port([HERE])
    for _ in range(2):
        async with listening(HERE, port, _echo):
            pass


async def _end_of(reader: asyncio.StreamReader) -> bytes | ConnectionResetError:
    try:
        return await reader.read()
    except ConnectionResetError as reset:
        return reset
