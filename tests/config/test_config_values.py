"""What the rest of the program gets from the settings."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.config import Settings, json_schema, parse
from monitor.config.globs import Glob
from monitor.core.bindings import Binding, BucketTarget, NameTarget
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from monitor.core.targets import EndpointClass, TargetPolicy, classify


def test_without_any_resolver_the_well_known_ones_are_asked() -> None:
    assert [resolver.resolver for resolver in Settings().resolvers][:1] == [
        Resolver("alidns", "223.5.5.5", group="cn-public", shared=True)
    ]


def test_name_servers_are_found_through_the_first_three_resolvers() -> None:
    assert [r.name for r in Settings().bootstrap_resolvers] == ["alidns", "dnspod", "114dns"]


def test_name_servers_are_found_through_the_resolvers_that_are_named() -> None:
    settings = parse('[authority]\nbootstrap = ["quad9", "google"]', {})

    assert [r.name for r in settings.bootstrap_resolvers] == ["quad9", "google"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", ("192.0.2.1", 53, Transport.UDP)),
        ("tls://dns.example.com", ("dns.example.com", 853, Transport.DOT)),
        ("tls://[2001:db8::1]:8853", ("2001:db8::1", 8853, Transport.DOT)),
        ("quic://192.0.2.1", ("192.0.2.1", 853, Transport.DOQ)),
        (
            "https://dns.example.com:8443/dns-query",
            ("https://dns.example.com:8443/dns-query", 8443, Transport.DOH),
        ),
    ],
)
def test_an_address_becomes_what_is_asked(
    address: str, expected: tuple[str, int, Transport]
) -> None:
    settings = parse(f'[[resolvers]]\nname = "a"\naddress = "{address}"', {})

    asked = settings.resolvers[0].resolver
    assert (asked.address, asked.port, asked.transport) == expected


def test_a_binding_by_hand_becomes_a_binding() -> None:
    text = """
    [[bindings]]
    domain = "Img.Example.com."
    bucket = "images"
    endpoint = "oss-cn-hangzhou.aliyuncs.com"
    labels = { team = "web" }
    [[bindings]]
    domain = "www.example.com"
    target = "www.example.com.w.kunlunaq.com"
    """
    endpoint = DomainName("oss-cn-hangzhou.aliyuncs.com")

    assert [binding.binding for binding in parse(text, {}).bindings] == [
        Binding(
            DomainName("img.example.com"),
            BucketTarget("images", endpoint),
            labels=(("team", "web"),),
        ),
        Binding(
            DomainName("www.example.com"),
            NameTarget(DomainName("www.example.com.w.kunlunaq.com")),
        ),
    ]


def test_targets_become_the_policy_that_verdicts_use() -> None:
    policy = Settings().targets.policy

    dedicated = classify(DomainName("images.cn-hangzhou.taihangcda.cn"), policy)
    assert dedicated is not None
    assert dedicated.endpoint_class is EndpointClass.DEDICATED
    assert policy.is_proxy(DomainName("img.example.com.w.kunlunaq.com"))
    assert policy.is_proxy(DomainName("x.c.yundunwaf1.com"))
    assert not policy.is_proxy(DomainName("kunlunaq.com.example.com"))


def test_accepted_targets_are_those_that_the_core_accepts_by_default() -> None:
    policy, usual = Settings().targets.policy, TargetPolicy()

    assert (policy.classes, policy.accept) == (usual.classes, usual.accept)
    assert policy.is_proxy_in_effect == usual.is_proxy_in_effect


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().schedule.timeout = timedelta(0)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("pattern", "name", "is_matched"),
    [
        ("*.example.com", "img.example.com", True),
        ("*.example.com", "a.img.example.com", False),
        ("*.example.com", "example.com", False),
        ("**.example.com", "a.img.example.com", True),
        ("**", "a.img.example.com", True),
        ("img-*.example.com", "img-1.example.com", True),
        ("img.example.com", "imgxexample.com", False),
    ],
)
def test_a_star_never_crosses_a_dot(pattern: str, name: str, *, is_matched: bool) -> None:
    assert Glob(pattern).matches(DomainName(name)) is is_matched


@given(st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5}){0,3}", fullmatch=True))
def test_a_pattern_without_stars_matches_itself_alone(name: str) -> None:
    assert Glob(name).matches(name)
    assert not Glob(name).matches(f"x{name}")
    assert not Glob(name).matches(f"{name}.x")


def test_the_schema_shows_defaults_as_the_file_says_them() -> None:
    schema = json_schema()

    tables = schema["$defs"]
    assert tables["Schedule"]["properties"]["timeout"]["default"] == "2s"
    assert tables["Daemon"]["properties"]["listen"]["default"] == "127.0.0.1:9953"
    assert tables["Targets"]["properties"]["accept"]["default"] == ["*.oss-cn-*.aliyuncs.com"]
    assert {"from", "until"} <= tables["Maintenance"]["properties"].keys()
    assert schema["additionalProperties"] is False
