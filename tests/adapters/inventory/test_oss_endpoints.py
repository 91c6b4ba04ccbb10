from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.inventory.dates import from_iso, from_rfc1123
from monitor.adapters.inventory.endpoints import Endpoint, region_of


@pytest.mark.parametrize(
    ("written", "url", "is_gateway"),
    [
        (
            "oss-cn-hangzhou.aliyuncs.com",
            "https://oss-cn-hangzhou.aliyuncs.com",
            False,
        ),
        ("http://oss.example.com", "http://oss.example.com", False),
        ("https://oss.example.com", "https://oss.example.com", False),
        ("127.0.0.1:9000", "https://127.0.0.1:9000", True),
        ("http://localhost:9000", "http://localhost:9000", True),
        ("http://[::1]:9000", "http://[::1]:9000", True),
    ],
)
def test_an_endpoint_is_https_unless_it_says_http_and_an_address_is_a_gateway(
    written: str, url: str, *, is_gateway: bool
) -> None:
    endpoint = Endpoint.written(written, "cn-hangzhou")
    assert (endpoint.url, endpoint.is_gateway) == (url, is_gateway)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (
            "oss-eu-west-1.aliyuncs.com",
            Endpoint("https://oss-eu-west-1.aliyuncs.com", "eu-west-1"),
        ),
        ("oss.example.com:8443", Endpoint("https://oss.example.com:8443", "cn-hangzhou")),
        ("127.0.0.1", None),
        ("localhost", None),
        ("user@oss.example.com", None),
        ("oss.example.com/path", None),
        ("", None),
    ],
)
def test_oss_may_name_another_public_host_and_nothing_else(
    host: str, expected: Endpoint | None
) -> None:
    endpoint = Endpoint.written("oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou")
    assert endpoint.beside(host) == expected


@pytest.mark.parametrize(
    ("location", "region"),
    [
        ("oss-cn-hangzhou", "cn-hangzhou"),
        ("oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
        ("oss.aliyuncs.com", ""),
        ("127.0.0.1:9000", ""),
    ],
)
def test_a_location_names_its_region(location: str, region: str) -> None:
    assert region_of(location) == region


def test_iso_dates_are_read_in_utc() -> None:
    expected = datetime(2021, 9, 15, 2, 35, 7, tzinfo=UTC)
    assert from_iso("2021-09-15T02:35:07.000Z") == expected
    assert from_iso("2021-09-15T10:35:07+08:00") == expected
    assert from_iso("2021-09-15T02:35:07") == expected


def test_certificate_dates_may_have_a_day_of_one_digit() -> None:
    expected = datetime(2048, 5, 4, 10, 14, 51, tzinfo=UTC)
    assert from_rfc1123("Mon, 4 May 2048 10:14:51 GMT") == expected
    assert from_rfc1123("Mon, 04 May 2048 10:14:51 GMT") == expected
    assert from_rfc1123("Mon, 4 May 2048 10:14:51 -0000") == expected


@given(st.text() | st.from_regex(r"\A\w{3}, \d+ May \d+ \d+:\d+:\d+ [+-]\d+\Z"))
def test_any_text_is_a_date_or_none(text: str) -> None:
    for parse in (from_iso, from_rfc1123):
        moment = parse(text)
        assert moment is None or moment.tzinfo is UTC
