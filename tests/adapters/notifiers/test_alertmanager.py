"""The push to Alertmanagers, against a real one and against servers that fail."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.clock import SystemClock
from monitor.adapters.notifiers.alertmanager import AlertmanagerPush, PushPolicy
from monitor.core.alert import Alert
from tests.adapters.notifiers.lines import workers
from tests.core.samples import START
from tests.fakes.recording_telemetry import RecordingTelemetry
from tests.servers.alertmanager import alertmanager, telling_at_once
from tests.servers.endpoints import free_endpoint
from tests.servers.http_service import HttpService, Says, Seen, http_service
from tests.servers.process import came_true

MINUTE = timedelta(minutes=1)
ACCEPTED = Says(200)


def alert(domain: str = "img.example.com", **more: Any) -> Alert:
    labels = {
        "alertname": "OssCnameBroken",
        "domain": domain,
        "bucket": "shop-img",
        "severity": "critical",
    }
    summary = {"summary": f"{domain} does not reach its bucket"}
    return Alert(labels, summary, START, **more)


@pytest.fixture
def service() -> Iterator[HttpService]:
    with http_service(lambda _: ACCEPTED) as running:
        yield running


def push_to(
    *services: HttpService, telemetry: RecordingTelemetry | None = None, batch: int = 200
) -> AlertmanagerPush:
    urls = [f"http://{service.at}" for service in services]
    policy = PushPolicy(batch=batch)
    return AlertmanagerPush(urls, workers(), telemetry or RecordingTelemetry(), policy)


def posted(service: HttpService) -> list[list[tuple[str, str]]]:
    """Return domain and end of each alert, request by request, and forget them."""
    requests = [
        [(a["labels"]["domain"], a["endsAt"]) for a in seen.document] for seen in service.seen
    ]
    service.seen.clear()
    return requests


def test_a_real_alertmanager_takes_an_alert_and_its_end_and_tells_both() -> None:
    now = SystemClock().now()
    page = "http://127.0.0.1:9953/domains/img.example.com"
    told = replace(alert(generator_url=page), starts_at=now - MINUTE)
    with http_service(lambda _: ACCEPTED) as sink:
        with alertmanager(telling_at_once(f"http://{sink.at}/")) as running:
            push = AlertmanagerPush([f"{running.url}/"], workers(), RecordingTelemetry())

            async def scenario() -> None:
                await push.push([told], now)
                (active,) = await asyncio.to_thread(running.alerts)
                assert active["labels"] == dict(told.labels)
                assert active["generatorURL"] == told.generator_url
                assert _instant(active["startsAt"]) == _milliseconds(told.starts_at)
                assert _instant(active["endsAt"]) == _milliseconds(now + 4 * MINUTE)
                assert await asyncio.to_thread(came_true, lambda: len(sink.seen) == 1, 10)

                await push.push([], SystemClock().now())
                assert await asyncio.to_thread(came_true, lambda: len(sink.seen) == 2, 10)
                assert await asyncio.to_thread(running.alerts) == []

            asyncio.run(scenario())
        firing, resolved = (seen.document["alerts"][0] for seen in sink.seen)
    assert (firing["status"], resolved["status"]) == ("firing", "resolved")
    assert firing["labels"]["alertname"] == resolved["labels"]["alertname"] == "OssCnameBroken"


def _instant(text: str) -> datetime:
    return _milliseconds(datetime.fromisoformat(text))


def _milliseconds(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)


async def test_an_active_alert_is_told_again_when_an_interval_has_passed(
    service: HttpService,
) -> None:
    push, now = push_to(service), START
    for seconds in (0, 30, 59, 60, 90, 121):
        await push.push([alert()], now + timedelta(seconds=seconds))

    ends = [end for request in posted(service) for _, end in request]
    assert ends == [
        (START + timedelta(seconds=at) + 4 * MINUTE).isoformat() for at in (0, 60, 121)
    ]


async def test_an_alert_that_changed_is_told_at_once(service: HttpService) -> None:
    push = push_to(service)
    await push.push([alert()], START)
    await push.push([replace(alert(), annotations={"summary": "worse"})], START)

    assert len(posted(service)) == 2


async def test_an_alert_that_is_missing_is_told_to_be_over_once(service: HttpService) -> None:
    push = push_to(service)
    await push.push([alert("a.example.com"), alert("b.example.com")], START)
    posted(service)

    for seconds in (1, 2, 3):
        await push.push([alert("a.example.com")], START + timedelta(seconds=seconds))

    assert posted(service) == [
        [("b.example.com", (START + timedelta(seconds=1)).isoformat())],
    ]


async def test_an_explicit_end_is_told_once(service: HttpService) -> None:
    push, over = push_to(service), alert(ends_at=START + MINUTE)
    await push.push([alert()], START)
    for minutes in (2, 3, 4):
        await push.push([over], START + minutes * MINUTE)

    _, ended = posted(service)
    assert ended == [("img.example.com", (START + MINUTE).isoformat())]


async def test_an_alert_that_comes_back_is_active_again(service: HttpService) -> None:
    push = push_to(service)
    for seconds, alerts in enumerate(([alert()], [], [alert()])):
        await push.push(alerts, START + timedelta(seconds=seconds))

    *_, last = posted(service)
    assert last == [("img.example.com", (START + timedelta(seconds=2) + 4 * MINUTE).isoformat())]


async def test_a_clock_that_was_put_back_silences_nothing(service: HttpService) -> None:
    push = push_to(service)
    await push.push([alert()], START)
    await push.push([alert()], START - timedelta(hours=1))

    assert len(posted(service)) == 2


async def test_many_alerts_go_in_requests_of_bounded_size(service: HttpService) -> None:
    domains = [f"d{number}.example.com" for number in range(25)]
    await push_to(service, batch=10).push([alert(domain) for domain in domains], START)

    requests = posted(service)
    assert [len(request) for request in requests] == [10, 10, 5]
    assert [domain for request in requests for domain, _ in request] == domains


async def test_what_failed_is_due_at_the_next_call(service: HttpService) -> None:
    telemetry = RecordingTelemetry()
    push = push_to(service, telemetry=telemetry)
    service.script = lambda _: Says(500)
    await push.push([alert()], START)
    service.script = lambda _: ACCEPTED
    await push.push([alert()], START + timedelta(seconds=1))

    assert len(posted(service)) == 2
    assert [result for _, result in telemetry.pushes] == ["refused", "success"]


async def test_an_end_that_failed_is_told_as_long_as_it_is_news(service: HttpService) -> None:
    push = push_to(service)
    await push.push([alert()], START)
    service.script = lambda _: Says(503)
    for minutes in (1, 2, 3, 4, 5, 6):
        await push.push([], START + minutes * MINUTE)

    # After four minutes the Alertmanager takes it for over by itself.
    assert len(posted(service)) == 1 + 3


async def test_an_alertmanager_that_is_away_keeps_no_other_from_hearing(
    service: HttpService,
) -> None:
    away, telemetry = free_endpoint(), RecordingTelemetry()
    urls = [f"http://ops:CANARY@{away}", f"http://{service.at}/prefix/"]
    push = AlertmanagerPush(urls, workers(), telemetry)
    await push.push([alert()], START)

    assert [seen.path for seen in service.seen] == ["/prefix/api/v2/alerts"]
    assert sorted(telemetry.pushes) == sorted(
        [(str(away), "unreachable"), (str(service.at), "success")]
    )


async def test_one_batch_that_is_refused_does_not_hold_up_the_others(
    service: HttpService,
) -> None:
    service.script = lambda seen: Says(400 if b"bad.example.com" in seen.body else 200)
    push = push_to(service, batch=1)
    await push.push([alert("bad.example.com"), alert("good.example.com")], START)

    assert len(posted(service)) == 2


async def test_after_a_timeout_the_rest_waits_for_the_next_call() -> None:
    telemetry = RecordingTelemetry()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        push = AlertmanagerPush([url], workers(0.2), telemetry, PushPolicy(batch=1))
        await push.push([alert("a.example.com"), alert("b.example.com")], START)

    assert [result for _, result in telemetry.pushes] == ["timeout"]


@given(
    steps=st.lists(
        st.tuples(
            st.sets(st.sampled_from(["a.example", "b.example", "c.example"])),
            st.booleans(),
            st.integers(0, 150),
        ),
        max_size=12,
    )
)
def test_after_each_call_that_gets_through_an_alertmanager_knows_just_the_active_alerts(
    steps: list[tuple[set[str], bool, int]],
) -> None:
    known: dict[str, datetime] = {}
    now = START

    def script(seen: Seen) -> Says:
        ends = {a["labels"]["domain"]: datetime.fromisoformat(a["endsAt"]) for a in seen.document}
        known.update(ends)
        return ACCEPTED

    with http_service(script) as service:
        push = push_to(service, batch=2)
        for domains, is_away, seconds in steps:
            now += timedelta(seconds=seconds)
            service.script = (lambda _: Says(503)) if is_away else script
            asyncio.run(push.push([alert(domain) for domain in domains], now))
            if not is_away:
                assert {domain for domain, end in known.items() if end > now} == domains
