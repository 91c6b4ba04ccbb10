import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.names import DomainName
from monitor.core.targets import EndpointClass, TargetPolicy, classify, region_of
from tests.core.properties import REPEATABLE

C = EndpointClass
POLICY = TargetPolicy(
    accept=("*.oss-cn-*.aliyuncs.com", "*.oss.corp.example"),
    dedicated_suffixes=("taihangcda.cn",),
    proxy_suffixes=("kunlun*.com", "a1.init*.com"),
)
BUCKETS = st.from_regex(r"[a-z0-9][a-z0-9-]{1,20}[a-z0-9]", fullmatch=True).filter(
    lambda bucket: not bucket.endswith("-ossalias")
)
REGIONS = st.sampled_from(["cn-hangzhou", "cn-hongkong", "ap-southeast-1", "us-west-1", "me-x-9"])


@pytest.mark.parametrize(
    ("name", "kind", "bucket", "region"),
    [
        ("b12.oss-cn-hangzhou.aliyuncs.com", C.PUBLIC, "b12", "cn-hangzhou"),
        ("b12.oss-us-west-1.aliyuncs.com", C.PUBLIC, "b12", "us-west-1"),
        ("oss-cn-hangzhou.aliyuncs.com", C.PUBLIC, "", "cn-hangzhou"),
        ("b12.oss-accelerate.aliyuncs.com", C.ACCELERATE, "b12", None),
        ("b12.oss-accelerate-overseas.aliyuncs.com", C.ACCELERATE, "b12", None),
        ("b12.cn-hangzhou.oss.aliyuncs.com", C.DUAL_STACK, "b12", "cn-hangzhou"),
        ("b12.cn-shanghai-finance.oss.aliyuncs.com", C.DUAL_STACK, "b12", "cn-shanghai-finance-1"),
        ("b12.cn-hangzhou.taihangcda.cn", C.DEDICATED, "b12", "cn-hangzhou"),
        ("b12.oss-cn-hzfinance.aliyuncs.com", C.FINANCE, "b12", "cn-hangzhou-finance"),
        (
            "b12.oss-cn-shanghai-finance-1-pub.aliyuncs.com",
            C.FINANCE,
            "b12",
            "cn-shanghai-finance-1",
        ),
        ("b12.oss-cn-north-2-gov-1.aliyuncs.com", C.FINANCE, "b12", "cn-north-2-gov-1"),
        ("b12.oss-cn-hangzhou-internal.aliyuncs.com", C.INTERNAL, "b12", "cn-hangzhou"),
        ("b12.cn-hangzhou-internal.oss.aliyuncs.com", C.INTERNAL, "b12", "cn-hangzhou"),
        ("b12.oss-cn-hzjbp-a-internal.aliyuncs.com", C.INTERNAL, "b12", "cn-hzjbp-a"),
        ("b12.vpc100-oss-cn-hangzhou.aliyuncs.com", C.INTERNAL, "b12", "cn-hangzhou"),
        ("a1-ossalias.oss-cn-hangzhou.aliyuncs.com", C.ACCESS_POINT, "a1-ossalias", "cn-hangzhou"),
        ("b12.oss-rg-china-mainland.aliyuncs.com", C.REGIONLESS, "b12", "rg-china-mainland"),
        ("b12.oss.aliyuncs.com", C.LEGACY, "b12", "cn-hangzhou"),
        ("b12.img-cn-hangzhou.aliyuncs.com", C.LEGACY, "b12", "cn-hangzhou"),
    ],
)  # fmt: skip
def test_every_kind_of_oss_name_is_known(
    name: str, kind: EndpointClass, bucket: str, region: str | None
) -> None:
    found = classify(DomainName(name), POLICY)
    assert found is not None
    assert (found.endpoint_class, found.bucket, found.region) == (kind, bucket, region)


@pytest.mark.parametrize(
    "name",
    [
        "b12.oss-cn-hangzhou.aliyuncs.com.evil.net",
        "b12.oss-cn-hangzhou-aliyuncs.com",
        "b12.oss-cn-hangzhou.notaliyuncs.com",
        "b12.oss-cn-hangzhou.aliyuncs.com.cn",
        "x.b12.oss-cn-hangzhou.aliyuncs.com",
        "b.oss-cn-hangzhou.aliyuncs.com",
        "-b12.oss-cn-hangzhou.aliyuncs.com",
        "b12\\.oss-cn-hangzhou.aliyuncs.com",
        "b12.oss-.aliyuncs.com",
        "aliyuncs.com",
        "b12.taihangcda.cn",
        "b12.cn-hangzhou.nottaihangcda.cn",
        "oss-cn-shanghai.aliyuncs.com.gds.alibabadns.com",
    ],
)
def test_look_alikes_and_other_names_are_none_of_oss(name: str) -> None:
    assert classify(DomainName(name), POLICY) is None


@REPEATABLE
@given(BUCKETS, REGIONS)
def test_any_bucket_in_any_region_is_a_public_name_of_its_own(bucket: str, region: str) -> None:
    found = classify(DomainName(f"{bucket}.oss-{region}.aliyuncs.com"), POLICY)
    assert found is not None
    assert (found.endpoint_class, found.bucket, found.region) == (C.PUBLIC, bucket, region)
    assert region_of(DomainName(f"oss-{region}.aliyuncs.com"), POLICY) == region


@REPEATABLE
@given(BUCKETS, REGIONS, st.sampled_from([".evil.net", ".cn", "x", "-x", ".com"]))
def test_nothing_may_follow_an_oss_name(bucket: str, region: str, tail: str) -> None:
    assert classify(DomainName(f"{bucket}.oss-{region}.aliyuncs.com{tail}"), POLICY) is None


@REPEATABLE
@given(BUCKETS, REGIONS)
def test_an_internal_name_is_internal_in_every_spelling(bucket: str, region: str) -> None:
    for text in (
        f"{bucket}.oss-{region}-internal.aliyuncs.com",
        f"{bucket}.{region}-internal.oss.aliyuncs.com",
        f"{bucket}.vpc100-oss-{region}.aliyuncs.com",
    ):
        found = classify(DomainName(text), POLICY)
        assert found is not None
        assert (found.endpoint_class, found.bucket) == (C.INTERNAL, bucket)


@REPEATABLE
@given(st.lists(st.from_regex(r"[a-z0-9-]{0,9}", fullmatch=True), max_size=4).map(".".join))
def test_a_star_stands_for_a_part_of_one_label_and_for_nothing_else(between: str) -> None:
    name = DomainName(f"b12.oss-cn-{between}.aliyuncs.com")
    assert POLICY.is_accepted_pattern(name) is ("." not in between)


def test_the_region_of_a_foreign_endpoint_is_not_known() -> None:
    assert region_of(DomainName("oss.corp.example"), POLICY) is None


def test_a_star_never_crosses_a_dot() -> None:
    assert POLICY.is_accepted_pattern(DomainName("b12.oss.corp.example"))
    assert not POLICY.is_accepted_pattern(DomainName("a.b12.oss.corp.example"))


@pytest.mark.parametrize(
    ("name", "is_proxy"),
    [
        ("img.example.com.w.kunlunaq.com", True),
        ("kunlunaq.com", True),
        ("x.a1.initabc.com", True),
        ("x.kunlunaq.com.evil.net", False),
        ("x.mykunlunaq.com", False),
        ("x.kunlun.aq.com", False),
    ],
)
def test_a_proxy_is_known_by_its_suffix(name: str, *, is_proxy: bool) -> None:
    assert POLICY.is_proxy(DomainName(name)) is is_proxy
