from monitor.core.bindings import CONFIGURED, Binding, BucketTarget, NameTarget
from monitor.core.names import DomainName
from tests.core.samples import DOMAIN, ENDPOINT


def test_a_bucket_is_reached_by_its_name_before_its_endpoint() -> None:
    bound = Binding(DOMAIN, BucketTarget("shop-img", ENDPOINT))
    assert bound.target.name.text == "shop-img.oss-cn-shanghai.aliyuncs.com"
    assert (bound.bucket, bound.endpoint) == ("shop-img", ENDPOINT.text)


def test_another_name_has_neither_bucket_nor_endpoint() -> None:
    bound = Binding(DOMAIN, NameTarget(DomainName("proxy.shop.example")))
    assert (bound.bucket, bound.endpoint) == ("", "")


def test_a_binding_without_an_account_is_the_configurations() -> None:
    assert Binding(DOMAIN, NameTarget(DOMAIN)).account == CONFIGURED
