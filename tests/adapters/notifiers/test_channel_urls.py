"""How the URLs of channels are read, and what is refused of them."""

import pytest

from monitor.adapters.notifiers.apprise_channel import AppriseChannel
from monitor.adapters.notifiers.robot import Access, BadUrl, access_of
from monitor.adapters.notifiers.webhook import Hook, hook_of
from tests.adapters.notifiers.lines import workers
from tests.contracts.notifier_contract import CANARY


@pytest.mark.parametrize(
    ("url", "access"),
    [
        ("dingtalk://Tok3n/", Access("Tok3n")),
        ("dingtalk://SECab@Tok3n", Access("Tok3n", "SECab")),
        ("dingtalk://SECab@Tok3n/138000/139000", Access("Tok3n", "SECab", ("138000", "139000"))),
        ("feishu://aB-c_1/?secret=x%2By", Access("aB-c_1", "x+y")),
        ("lark://x%40y@aB/", Access("aB", "x@y")),
    ],
)
def test_a_robot_is_reached_by_token_and_secret(url: str, access: Access) -> None:
    assert access_of(url, "FORM") == access


@pytest.mark.parametrize(
    "url",
    [
        "dingtalk://",
        "feishu:///",
        f"feishu://open.feishu.cn/open-apis/bot/v2/hook/{CANARY}",
        f"wecombot://{CANARY}:99999/",
        f"lark://[{CANARY}",
    ],
)
def test_a_robot_without_a_token_is_refused_with_the_form_and_without_the_url(url: str) -> None:
    with pytest.raises(BadUrl, match="write FORM") as raised:
        access_of(url, "FORM")
    assert CANARY not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "hook"),
    [
        ("webhook://127.0.0.1:8080", Hook("http://127.0.0.1:8080/")),
        ("webhooks://h.example/in?a=b", Hook("https://h.example/in?a=b")),
        ("webhooks://s%2Fx@h.example/in#part", Hook("https://h.example/in", "s/x")),
        ("webhook://[::1]:8080/", Hook("http://[::1]:8080/")),
    ],
)
def test_a_webhook_is_an_http_url_and_a_secret(url: str, hook: Hook) -> None:
    assert hook_of(url) == hook


@pytest.mark.parametrize("url", ["webhook:///in", "webhooks://h:port/", "webhooks://[::1/"])
def test_a_webhook_without_a_place_is_refused(url: str) -> None:
    with pytest.raises(BadUrl, match="write webhooks://HOST/PATH"):
        hook_of(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"syslog://{CANARY}", "not offered"),
        (f"file://{CANARY}", "not offered"),
        (f"https://{CANARY}", "not offered"),
        (f"mqtt://{CANARY}", "not offered"),
        (f"slack://{CANARY}", "is not how apprise writes slack"),
        (f"jsons://h.example/{CANARY}?verify=no", "parameter verify"),
        (f"jsons://h.example/{CANARY}?Redirect=yes", "parameter redirect"),
        (f"workflows://h.example/a/b/c?template={CANARY}", "parameter template"),
        (f"mailtos://a:{CANARY}@h.example?pgp=yes", "parameter pgp"),
        (f"jsons://[{CANARY}", "cannot be read"),
    ],
)
def test_what_is_not_offered_of_apprise_is_refused_without_the_url(url: str, why: str) -> None:
    with pytest.raises(BadUrl, match=why) as raised:
        AppriseChannel("x", url, workers())
    assert CANARY not in str(raised.value)
    assert CANARY not in repr(raised.value.__cause__)
