import re
import tomllib
from datetime import UTC, datetime
from importlib import resources

import pytest

from monitor.core.bindings import Binding, BucketTarget
from monitor.core.chain import Chain
from monitor.core.events import GENESIS, Event, EventType, Json, seal
from monitor.core.names import DomainName
from monitor.core.status import DomainStatus, Fault, Remedy
from monitor.core.verdict import Rule, Verdict, VerdictKind
from monitor.ports import DeliveryFailure
from monitor.wording import STATUS_SHAPE, Language, wording
from monitor.wording.history import entry

BINDING = Binding(
    DomainName.parse("图片.shop.example"),
    BucketTarget("shop-img", DomainName("oss-cn-shanghai.aliyuncs.com")),
)


@pytest.mark.parametrize("language", Language)
def test_every_status_verdict_and_fault_has_words(language: Language) -> None:
    texts = wording(language)
    assert all(texts.status(status) for status in DomainStatus)
    assert all(texts.verdict(kind) for kind in VerdictKind)
    assert all(texts.fault(fault) for fault in Fault)


HTTP = {"status": 404, "code": "NoSuchBucket", "address": "203.0.113.1", "certificate": "valid"}
ENDS = {"account": "shop", "certificate_expires_at": "2026-01-31T00:00:00+00:00"}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("fault", "shown", "part"),
    [
        (Fault.BUCKET_MISSING, HTTP, " (HTTP 404 NoSuchBucket 203.0.113.1)"),
        (Fault.CERTIFICATE_EXPIRING, ENDS, " 2026-01-31T00:00:00+00:00)"),
        (Fault.CERTIFICATE_MISSING, HTTP, ""),
        (Fault.UNBOUND, {"account": "shop"}, ""),
        (Fault.WILDCARD, {}, ""),
    ],
)
def test_a_fault_in_the_history_is_told_with_what_it_was_seen_by(
    language: Language, fault: Fault, shown: dict[str, Json], part: str
) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    data: dict[str, Json] = {"fault": fault.value, "state": "raised", "shown": shown}
    event = Event(EventType.FAULT, at, BINDING.domain, data=data)
    told = entry(seal(event, 1, GENESIS), wording(language)).change
    without, _, rest = told.partition(wording(language).fault(fault))
    assert without
    assert rest.endswith(part) and bool(rest) is bool(part)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("rule", Rule)
def test_every_rule_explains_itself_without_a_gap(language: Language, rule: Rule) -> None:
    for seen in ("", "b.oss-cn-hangzhou.aliyuncs.com", "{hostile} %s"):
        verdict = Verdict(VerdictKind.NOT_OSS, rule, Chain(BINDING.domain), None, seen)
        said = wording(language).reason(verdict, BINDING)
        assert said.rstrip(".。") and "{seen}" not in said
        assert "()" not in said


@pytest.mark.parametrize("language", Language)
def test_a_failure_without_an_extended_error_leaves_no_gap(language: Language) -> None:
    for rule in (Rule.SERVER_FAILURE, Rule.SERVER_REFUSES):
        verdict = Verdict(VerdictKind.SERVFAIL, rule, Chain(BINDING.domain), None)
        said = wording(language).reason(verdict, BINDING)
        assert "-" not in said
        assert " ." not in said


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", VerdictKind)
def test_whatever_is_wrong_comes_with_advice(language: Language, kind: VerdictKind) -> None:
    verdict = Verdict(kind, Rule.LEAVES_OSS, Chain(BINDING.domain), None, "x.example")
    advice = wording(language).advice(verdict, BINDING)
    assert bool(advice) == (kind is not VerdictKind.IN_EFFECT)


@pytest.mark.parametrize("language", Language)
def test_where_the_record_is_right_nobody_is_told_to_change_it(language: Language) -> None:
    verdict = Verdict(VerdictKind.OTHER_BUCKET, Rule.BUCKET_DIFFERS, Chain(BINDING.domain), False)
    said = {remedy: wording(language).advice(verdict, BINDING, remedy) for remedy in Remedy}
    assert len(set(said.values())) == len(Remedy)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("reason", DeliveryFailure)
def test_whatever_keeps_a_message_from_its_channel_comes_with_advice(
    language: Language, reason: DeliveryFailure
) -> None:
    words = wording(language)
    assert words.delivery_failure(reason)
    assert words.delivery_advice(reason)


def test_the_languages_have_the_same_keys_and_the_same_gaps() -> None:
    english, chinese = (_texts(language) for language in Language)
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert _gaps(chinese[key]) <= _gaps(text) | {"domain", "target"}, key


def test_chinese_is_chinese() -> None:
    plain = {"Bucket", "TTL", "English", "：", "。"}
    for key, text in _texts(Language.CHINESE).items():
        assert text in plain or not text or re.search("[\u4e00-\u9fff]", text), key


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh_CN.UTF-8", Language.CHINESE),
        ("zh-Hans", Language.CHINESE),
        ("en_GB", Language.ENGLISH),
        ("C", Language.ENGLISH),
        ("", Language.ENGLISH),
    ],
)
def test_a_tag_means_a_language(tag: str, language: Language) -> None:
    assert Language.of(tag) is language


def test_every_status_has_a_shape_of_its_own() -> None:
    assert set(STATUS_SHAPE) == set(DomainStatus)
    assert len(set(STATUS_SHAPE.values())) == len(DomainStatus)


def _texts(language: Language) -> dict[str, str]:
    file = resources.files("monitor.wording") / f"{language.value}.toml"
    sections = tomllib.loads(file.read_text(encoding="utf-8"))
    return {f"{name}.{key}": text for name, s in sections.items() for key, text in s.items()}


def _gaps(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))
