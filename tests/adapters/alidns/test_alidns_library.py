import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.adapters.alidns.alidns_endpoint import KEY, AlidnsEndpoint
from tests.adapters.alidns.alidns_world import OWNER, TARGET, entry, world

WITHOUT = """
import asyncio, sys
sys.modules["aliyunsdkcore"] = None  # as if it were not installed
from monitor.adapters.alidns.api import AlidnsAccount, AlidnsRecords
from monitor.core.names import DomainName
records = AlidnsRecords(AlidnsAccount("main", "http://127.0.0.1:9"), None, unavailable=KeyError)
print(asyncio.run(records.look(DomainName("img.example.com"))))
"""


def test_without_the_library_the_reason_says_so_and_nothing_is_asked() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True, timeout=60
    )
    assert "ProviderReason.LIBRARY_MISSING" in done.stdout
    assert "install the wheel with its extra [alidns]" in done.stdout


def client_of(credential: Any, url: str) -> Any:
    client = pytest.importorskip(
        "aliyunsdkcore.client", reason="the extra [alidns] is not installed"
    )
    place = urlsplit(url)
    return client.AcsClient(
        region_id="cn-hangzhou", credential=credential, port=place.port, auto_retry=False
    )


def described(client: Any, method: str, change: Callable[[Any], None]) -> str:
    request = pytest.importorskip("aliyunsdkcore.request").CommonRequest(
        "127.0.0.1", "2015-01-09", "DescribeDomainRecords"
    )
    exceptions = pytest.importorskip("aliyunsdkcore.acs_exception.exceptions")
    request.set_method(method)
    request.add_query_param("DomainName", "example.com")
    request.add_query_param("RRKeyWord", OWNER.text.partition(".")[0])
    change(request)
    try:
        return str(client.do_action_with_exception(request), "utf-8")
    except exceptions.ServerException as error:
        return str(error.get_error_code())
    finally:
        client.session.close()


def untouched(_: object) -> None:
    pass


def in_the_body(request: Any) -> None:
    request.add_body_params("SearchMode", "COMBINATION")


def of_another_action(request: Any) -> None:
    request.set_action_name("DeleteDomainRecord")


@pytest.mark.parametrize(
    ("method", "secret", "token", "change", "outcome"),
    [
        ("GET", KEY.secret, KEY.token, untouched, TARGET),
        ("POST", KEY.secret, KEY.token, untouched, TARGET),
        ("POST", KEY.secret, KEY.token, in_the_body, TARGET),
        ("POST", KEY.secret, "another", untouched, "InvalidSecurityToken.Malformed"),
        ("POST", "another", KEY.token, untouched, "SignatureDoesNotMatch"),
        ("POST", KEY.secret, KEY.token, of_another_action, "InvalidAction.NotFound"),
    ],
)
async def test_the_endpoint_judges_the_vendors_own_client_as_the_api_does(
    method: str, secret: str, token: str, change: Callable[[Any], None], outcome: str
) -> None:
    credentials = pytest.importorskip(
        "aliyunsdkcore.auth.credentials", reason="the extra [alidns] is not installed"
    )
    credential = credentials.StsTokenCredential(KEY.id, secret, token)
    async with AlidnsEndpoint(world(entry())) as endpoint:
        client = client_of(credential, endpoint.url)
        assert outcome in await asyncio.to_thread(described, client, method, change)
