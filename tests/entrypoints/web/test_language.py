from dataclasses import replace

import pytest

from monitor.wording import Language
from tests.entrypoints.web.worlds import reader, site_of

CHINESE = '<html lang="zh-Hans">'
ENGLISH = '<html lang="en">'


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("", ENGLISH),
        ("zh-CN,zh;q=0.9,en;q=0.8", CHINESE),
        ("en-GB, zh;q=0.5", ENGLISH),
        ("en;q=0.3, zh-Hant;q=0.9", CHINESE),
        ("de, zh;q=0.2", CHINESE),
        ("zh;q=0", ENGLISH),
        ("zh;q=much", ENGLISH),
        ("de, fr", ENGLISH),
    ],
)
def test_the_browser_prefers_a_language(accepted: str, expected: str) -> None:
    reply = reader(site_of(), {"accept-language": accepted}).get("/")
    assert expected in reply.text
    assert "accept-language" in reply.headers["vary"]


def test_a_switch_is_remembered() -> None:
    client = reader(site_of())
    assert ENGLISH in client.get("/").text
    switched = client.get("/?lang=zh")
    assert CHINESE in switched.text
    assert "samesite=lax" in switched.headers["set-cookie"].lower()
    assert CHINESE in client.get("/resolvers").text
    assert ENGLISH in client.get("/?lang=en").text
    assert ENGLISH in client.get("/resolvers").text


def test_the_switch_keeps_what_was_filtered() -> None:
    html = reader(site_of()).get("/?status=broken&q=shop").text
    assert 'href="?status=broken&amp;q=shop&amp;lang=zh"' in html


def test_the_preset_language_goes_before_the_browsers_but_not_before_the_readers() -> None:
    site = replace(site_of(), language=Language.CHINESE)
    client = reader(site, {"accept-language": "en"})
    assert CHINESE in client.get("/").text
    assert ENGLISH in client.get("/?lang=en").text
