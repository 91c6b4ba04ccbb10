import json
from pathlib import Path

import pytest

from monitor.config import ConfigError, SecretUnavailable, Settings, effective, parse
from monitor.config.credentials import StaticCredentials
from monitor.config.secret import GivenUrl, SecretInEnvironment, SecretInFile

CANARY = "CANARY-0123456789"
TEXT = """
[[accounts]]
name = "a"
endpoint = "oss-cn-hangzhou.aliyuncs.com"
[accounts.credentials]
kind = "static"
access_key_id = { env = "ID" }
access_key_secret = { file = "key" }

[[alerting.channels]]
name = "oncall"
url = "dingtalk://CANARY-0123456789/"

[distributed]
nats_url = "nats://127.0.0.1:4222"
credentials = { env = "NATS" }
"""
ENVIRON = {"ID": CANARY, "NATS": CANARY}


def test_settings_show_where_a_secret_is_and_never_what_it_is() -> None:
    settings = parse(TEXT, ENVIRON)

    for shown in (
        repr(settings),
        str(settings),
        json.dumps(effective(settings)),
        settings.model_dump_json(),
        repr(settings.model_dump()),
    ):
        assert CANARY not in shown
    assert effective(settings)["distributed"]["credentials"] == {
        "env": "NATS",
        "value": "********",
    }


def test_a_channel_keeps_its_url_for_those_who_ask() -> None:
    url = parse(TEXT, ENVIRON).alerting.channels[0].url

    assert url.reveal({}) == f"dingtalk://{CANARY}/"
    assert repr(url) == "GivenUrl('dingtalk://********')"


@pytest.mark.parametrize(
    "url",
    [
        f"feishu://{CANARY}/?secret={CANARY}",
        f"lark://{CANARY}/",
        f"webhook://{CANARY}@127.0.0.1/{CANARY}",
        f"webhooks://{CANARY}@hook.example/",
    ],
)
def test_of_a_channels_url_only_the_scheme_is_shown(url: str) -> None:
    settings = parse(f'[[alerting.channels]]\nname = "a"\nurl = "{url}"', {})

    (shown,) = effective(settings)["alerting"]["channels"]
    assert shown["url"] == f"{url.partition(':')[0]}://********"
    assert CANARY not in repr(settings)


def test_a_plain_service_url_is_shown() -> None:
    settings = parse('[alerting.alertmanager]\nurls = ["http://127.0.0.1:9093"]', {})

    assert settings.alerting.alertmanager.urls == (
        GivenUrl("http://127.0.0.1:9093", is_secret=False),
    )


def test_of_a_service_url_with_parameters_only_the_scheme_is_shown() -> None:
    url = f"https://am.example/?token={CANARY}"
    settings = parse(f'[alerting.alertmanager]\nurls = ["{url}"]', {})

    assert CANARY not in f"{settings!r}{effective(settings)}"
    assert settings.alerting.alertmanager.urls[0].reveal({}) == url


def test_a_secret_is_looked_up_only_when_it_is_needed() -> None:
    credentials = parse(TEXT, {}).accounts[0].credentials

    assert isinstance(credentials, StaticCredentials)
    assert credentials.access_key_id.reveal(ENVIRON) == CANARY


def test_a_secret_in_a_file_loses_its_last_line_break(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"{CANARY}\n", encoding="utf-8")

    assert SecretInFile(path).reveal({}) == CANARY


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(SecretUnavailable, match="NATS is not set"):
        SecretInEnvironment("NATS").reveal({"NATS": ""})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailable, match="key cannot be read: No such file"):
        SecretInFile(tmp_path / "key").reveal({})


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").touch()

    with pytest.raises(SecretUnavailable, match="key is empty"):
        SecretInFile(tmp_path / "key").reveal({})


def test_a_binary_file_is_named_without_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(CANARY.encode() + b"\xff")

    with pytest.raises(SecretUnavailable, match="key is not UTF-8 text") as caught:
        SecretInFile(tmp_path / "key").reveal({})
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "text",
    [
        f'[[accounts]]\naccess_key_secret = "{CANARY}"',
        f'[[accounts]]\ncredentials = ["{CANARY}"]',
        f'[[accounts]]\ncredentials = {{ kind = "static", access_key_id = "{CANARY}" }}',
        f'[[accounts]]\ncredentials = {{ kind = "static", access_key_id = {{ a = "{CANARY}" }} }}',
        f'[[accounts]]\ncredentials = {{ kind = "static", access_key_id = ["{CANARY}"] }}',
        f'[[accounts]]\ncredentials = {{ kind = "{CANARY}" }}',
        f'[[accounts]]\nname = "a"\nendpoint = "https://user:{CANARY}@oss-cn-hangzhou.aliyuncs.com"',
        f'[[bindings]]\ndomain = "user:{CANARY}@img.example.com"',
        f'[[bindings]]\ndomain = "a.example.com"\nendpoint = "https://u:{CANARY}@h.example.com"',
        f'[targets]\naccept = ["u:{CANARY}@*.example.com"]',
        f'[[resolvers]]\nname = "a"\naddress = "https://u:{CANARY}@dns.example.com/dns-query"',
        f'[[resolvers]]\nname = "a"\naddress = "http://u:{CANARY}@dns.example.com/dns-query"',
        f'[alerting]\nchannels = ["slack://{CANARY}"]',
        f'[[alerting.channels]]\nurl = {{ env = "{CANARY}" }}',
        f'[alerting]\nalertmanager = "http://u:{CANARY}@127.0.0.1"',
        f'[alerting.alertmanager]\nurls = ["http://u:a/{CANARY}@127.0.0.1"]',
        f'[alerting.alertmanager]\nurls = "http://u:{CANARY}@127.0.0.1"',
        f'[distributed]\nnats_url = "nats://u:{CANARY}@127.0.0.1"',
        f'[daemon]\ndatabase = "postgres://u:{CANARY}@db/name"',
        f'[daemon]\ndatabase = "postgresql://db/name?user=u&password={CANARY}"',
        f'[daemon]\ndatabase = "postgresql://u:p[{CANARY}]@db/name"',
        f'[daemon]\ndatabase = "postgresql://u:{CANARY}@d\u2100b/name"',
        f'[daemon]\ndatabase = "postgresql://u:a/{CANARY}@db/name"',
        f'[daemon]\ndatabase = "postgresql://u:a?{CANARY}@db/name"',
        f'[daemon]\ndatabase = "postgresql://u:a#{CANARY}@db/name"',
        f'[[bindings]]\ndomain = "https://u:[{CANARY}]@a.example.com"',
        f'[daemon]\ndatabase = "postgresql://db/name?p%61ssword={CANARY}"',
        f'[daemon]\nlisten = "u:{CANARY}@127.0.0.1:1"',
        f'password = "{CANARY}"',
        f'distributed = "{CANARY}"',
        f'[daemon]\nlisten = "127.0.0.1:1" "{CANARY}"',
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, {})

    assert CANARY not in f"{caught.value}{caught.value!r}"


def test_a_secret_in_the_environment_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("", {"OSS_CNAME_MONITOR__ALERTING__PASSWORD": CANARY})

    assert CANARY not in str(caught.value)


def test_defaults_hold_no_secret() -> None:
    assert "********" not in json.dumps(effective(Settings()))


@pytest.mark.parametrize(
    "text",
    [
        '[daemon]\nexternal_url = "{}"',
        '[distributed]\nnats_url = "{}"',
        '[[accounts]]\nname = "a"\nendpoint = "{}"',
        '[[bindings]]\ndomain = "{}"',
        '[[bindings]]\ndomain = "a.b"\nbucket = "abc"\nendpoint = "{}"',
        '[daemon]\nlisten = "{}"',
        '[daemon]\ndatabase = "{}"',
        '[[resolvers]]\nname = "a"\naddress = "{}"',
        '[alerting.alertmanager]\nurls = ["{}"]',
        '[targets]\naccept = ["{}"]',
        '[web]\nhosts = ["{}"]',
        '[authority]\nservers."a.b" = ["{}"]',
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        f"u:{CANARY}@a.example",
        f"//u:{CANARY}@a.example",
        f"ftp://u:{CANARY}@a.example/x",
        f"u:a b{CANARY}@c",
        f"u:'{CANARY}'@c",
        f"u:[{CANARY}]@c",
        f"ftp://a.example/x?password={CANARY}",
    ],
)
def test_what_may_be_a_password_in_an_address_is_not_repeated(text: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text.replace("{}", value), {})

    assert CANARY not in str(caught.value)
