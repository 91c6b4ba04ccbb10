import asyncio
import json
import socket
from dataclasses import replace

import pytest

from monitor.core.events import Event, EventType, Json
from monitor.core.names import DomainName
from monitor.entrypoints.documents import record_document
from monitor.entrypoints.web.events import Patience
from monitor.entrypoints.web.feed import KEPT
from tests.core.samples import START
from tests.entrypoints.web.streams import CHANGE, STATUS, Log, served, until
from tests.entrypoints.web.worlds import reader, site_of

OTHER = replace(STATUS, domain=DomainName("www.shop.example"))
TRACK = Event(EventType.TRACK_STATE, START, STATUS.domain, "telecom", CHANGE)
BULKY: dict[str, Json] = {"text": "x" * 20_000}


async def test_an_event_is_seen_as_soon_as_it_is_kept() -> None:
    log = Log()
    await log.happen(OTHER)
    async with served(log) as place, place.follow() as stream:
        assert (stream.status, stream.headers["content-type"]) == (
            200,
            "text/event-stream; charset=utf-8",
        )
        assert stream.headers["cache-control"] == "no-store"
        begin = await stream.block()
        assert begin is not None and (begin.id, begin.type) == (1, None)
        kept = await log.happen(STATUS)
        event = await stream.event()
    assert event is not None and (event.id, event.type) == (2, "status")
    assert event.data == json.loads(json.dumps(record_document(kept.records[0])))
    assert not log.reads


@pytest.mark.parametrize("count", [1, KEPT, KEPT + 1, 3 * KEPT])
async def test_every_event_comes_once_and_in_order_whatever_comes_at_a_time(count: int) -> None:
    log = Log()
    await log.happen(STATUS)
    async with served(log) as place, place.follow() as stream:
        await stream.block()
        await log.grow(count)
        await log.grow(5)
        events = await stream.events(count + 5)
    assert [event.id for event in events] == list(range(2, count + 7))


@pytest.mark.parametrize("how", ["header", "query", "both"])
async def test_who_comes_again_gets_what_was_missed_and_then_what_happens(how: str) -> None:
    log = Log()
    await log.grow(600)
    headers = {"last_event_id": "17"} if how != "query" else {}
    query = {"header": "", "query": "after=17", "both": "after=3"}[how]
    async with served(log) as place, place.follow(query, **headers) as stream:
        events = await stream.events(583)
        await log.grow(2)
        events += await stream.events(2)
    assert [event.id for event in events] == list(range(18, 603))
    assert not log.drops.reasons


async def test_nothing_is_lost_or_repeated_while_the_log_grows_and_is_read_from_its_start() -> (
    None
):
    log = Log()
    await log.grow(300)
    async with served(log) as place, place.follow("after=0") as stream:

        async def go_on() -> None:
            for _ in range(60):
                await log.grow(10)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            group.create_task(go_on())
            reading = group.create_task(stream.events(900))
    assert [event.id for event in reading.result()] == list(range(1, 901))


async def test_a_slow_reader_is_served_from_the_store_again_and_delays_nobody() -> None:
    log = Log()
    await log.happen(STATUS)
    async with served(log) as place, place.follow() as slow, place.follow() as fast:
        await slow.block()
        await fast.block()
        for n in range(3 * KEPT):
            await log.happen(replace(STATUS, data={**BULKY, "n": n}))
            event = await fast.event()
            assert event is not None and event.data["data"]["n"] == n
        assert not log.reads or log.drops.reasons == ["behind"]
        events = await slow.events(3 * KEPT)
    assert [event.data["data"]["n"] for event in events] == list(range(3 * KEPT))
    assert log.drops.reasons == ["behind"]
    assert log.reads


async def test_who_is_in_a_hurry_is_told_what_was_passed_over() -> None:
    log = Log()
    await log.grow(10)
    async with served(log) as place, place.follow("behind=skip&after=4") as stream:
        gap = await stream.event()
        assert gap is not None and (gap.type, gap.id) == ("skipped", 10)
        assert gap.data == {"after": 4, "to": 10}
        await log.grow(KEPT + 3)
        gap = await stream.event()
        assert gap is not None and gap.data == {"after": 10, "to": 13}
        events = await stream.events(KEPT)
    assert [event.id for event in events] == list(range(14, KEPT + 14))
    assert log.drops.reasons == ["behind"]
    assert not log.reads


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("type=status", [1, 2]),
        ("type=status,reload", [1, 2, 4]),
        ("type=track_state&type=reload", [3, 4]),
        ("domain=IMG.shop.example.", [1, 3]),
        ("domain=img.shop.example,www.shop.example", [1, 2, 3]),
        (f"change={CHANGE}", [3]),
        ("domain=img.shop.example&type=track_state", [3]),
        (f"domain=www.shop.example&change={CHANGE}", []),
    ],
)
async def test_a_reader_may_follow_some_events_only(query: str, expected: list[int]) -> None:
    log = Log()
    await log.happen(STATUS, OTHER, TRACK, Event(EventType.RELOAD, START))
    async with served(log) as place, place.follow(query + "&after=0") as stream:
        events = await stream.events(len(expected))
        log.feed.close()
        assert await stream.event() is None
    assert [event.id for event in events] == expected


async def test_a_brief_event_has_neither_evidence_nor_hashes() -> None:
    log = Log()
    await log.happen(replace(TRACK, evidence=({"wire": "AAAA"},)))
    async with served(log) as place, place.follow("detail=brief&after=0") as stream:
        event = await stream.event()
    assert event is not None
    assert set(event.data) == {"seq", "at", "type", "domain", "resolver", "change", "data"}


async def test_silence_is_broken_by_a_heartbeat_that_tells_the_place() -> None:
    log = Log()
    await log.happen(STATUS)
    async with (
        served(log, Patience(until_heartbeat=0.05)) as place,
        place.follow("type=reload") as stream,
    ):
        begin = await stream.block()
        assert begin is not None and begin.id == 1
        await log.happen(STATUS)  # nothing that is followed
        heartbeat = await stream.block()
    assert heartbeat is not None and (heartbeat.is_heartbeat, heartbeat.data) == (True, None)
    assert heartbeat.id == 2


async def test_before_anything_has_happened_there_is_a_heartbeat_without_a_place() -> None:
    log = Log()
    async with (
        served(log, Patience(until_heartbeat=0.05)) as place,
        place.follow("after=7") as stream,
    ):
        heartbeat = await stream.block()
        assert heartbeat is not None and (heartbeat.is_heartbeat, heartbeat.id) == (True, None)
        await log.happen(STATUS)
        place_told = await stream.block()
        while place_told is not None and place_told.id is None:
            place_told = await stream.block()
        assert place_told is not None and place_told.id == 1, "that 7 was of another log"
        await log.happen(STATUS)
        event = await stream.event()
    assert event is not None and event.id == 2


async def test_beyond_so_many_readers_one_is_told_to_come_later() -> None:
    log = Log(max_followers=1)
    await log.happen(STATUS)
    async with served(log) as place:
        async with place.follow() as first:
            await first.block()
            async with place.follow() as second:
                assert second.status == 503
                assert second.headers["content-type"] == "application/problem+json"
                assert int(second.headers["retry-after"]) > 0
        assert log.drops.reasons == ["refused"]
        await until(lambda: not log.drops.followers)
        async with place.follow() as third:
            assert third.status == 200
            await third.block()
            assert not log.drops.reasons[1:]


async def test_nothing_is_kept_for_nobody() -> None:
    log = Log()
    async with served(log) as place:
        async with place.follow("after=0") as stream:
            await log.grow(3)
            await stream.events(3)
        await until(lambda: not log.drops.followers)
        assert log.feed.begin == log.feed.newest == 3


async def test_the_end_of_the_monitor_is_the_end_of_the_streams_after_the_last_event() -> None:
    log = Log()
    await log.grow(600)
    async with served(log) as place, place.follow() as live, place.follow("after=0") as behind:
        await live.block()
        await log.happen(Event(EventType.STOP, START))
        log.feed.close()
        last = await live.event()
        assert last is not None and last.type == "stop"
        assert await live.event() is None
        while await behind.event() is not None:
            pass


async def test_who_takes_nothing_is_cut_off_and_can_go_on_later() -> None:
    log = Log()
    await log.happen(*(replace(STATUS, data=BULKY) for _ in range(KEPT)))
    async with served(log, Patience(until_cut_off=0.2)) as place:
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        with deaf:
            await asyncio.get_running_loop().sock_connect(deaf, place.address)
            deaf.send(b"GET /events?after=0 HTTP/1.1\r\nhost: localhost\r\n\r\n")
            while "stalled" not in log.drops.reasons:
                await asyncio.sleep(0.01)
                await log.happen(*(replace(STATUS, data=BULKY) for _ in range(20)))
        await until(lambda: not log.drops.followers)


async def test_a_store_that_cannot_be_read_ends_the_stream_without_secrets() -> None:
    log = Log()
    await log.grow(3)
    log.is_unreadable = True
    async with served(log) as place, place.follow("after=0") as stream:
        assert await stream.event() is None


async def test_a_record_that_the_store_lost_holds_up_nobody() -> None:
    log = Log()
    await log.grow(3)
    log.store = Log().store
    async with served(log) as place, place.follow("after=0") as stream:
        await until(lambda: bool(log.reads))
        await log.happen(STATUS)
        log.feed.close()
        await stream.event()
        assert len(log.reads) == 1


async def test_the_head_of_the_events_opens_no_stream() -> None:
    log = Log()
    async with served(log) as place, place.follow(method="HEAD") as stream:
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert log.drops.followers == 0


@pytest.mark.parametrize(
    "query",
    [
        *("after=-1", "after=x", "after=9223372036854775808", "after=" + "9" * 5000, "after=٣"),
        *("type=nothing", "domain=a..b", "change=1", "detail=little", "behind=never"),
    ],
)
def test_a_query_that_makes_no_sense_is_a_problem(query: str) -> None:
    reply = reader(site_of()).get(f"/api/v1/events?{query}")
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"
    assert query.partition("=")[0] in reply.json()["detail"]


def test_a_place_that_nobody_was_given_is_a_problem() -> None:
    reply = reader(site_of(), {"last-event-id": "yesterday"}).get("/api/v1/events")
    assert reply.status_code == 400
