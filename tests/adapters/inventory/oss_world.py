"""A small account at a loopback OSS, and an inventory that looks at it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter

from monitor.adapters.clock import SystemClock
from monitor.adapters.inventory.credentials import StaticCredentials
from monitor.adapters.inventory.oss import OssAccount, OssInventory
from monitor.demo.oss_state import DemoAccount, DemoBucket, DemoCname, Fault, OssState
from monitor.demo.signature import AccessKey

KEY = AccessKey("canary-key-id", "canary-key-secret", "canary-token")


def world(*buckets: DemoBucket, faults: dict[str, Fault] | None = None) -> OssState:
    account = DemoAccount("1000001", [KEY], list(buckets), faults or {})
    return OssState([account], SystemClock().now)


def photos(*domains: str) -> DemoBucket:
    return DemoBucket.within("cn-hangzhou", "photos", *map(DemoCname, domains))


@dataclass
class Pauses:
    """A sleep that takes no time and remembers how long it should have been."""

    lengths: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.lengths.append(seconds)


def keys(key: AccessKey = KEY) -> StaticCredentials:
    return StaticCredentials(lambda: key.id, lambda: key.secret, lambda: key.token)


def account_at(url: str) -> OssAccount:
    return OssAccount("main", url, "cn-hangzhou", timeout=5.0)


def inventory_at(url: str, pauses: Pauses | None = None) -> OssInventory:
    return OssInventory(account_at(url), keys(), sleep=pauses or Pauses())


class Funnel(HTTPAdapter):
    """Leads calls to the public names of OSS to a loopback endpoint, and remembers them."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self._url = url

    def send(  # type: ignore[override]  # everything but the request is handed on
        self, request: PreparedRequest, **how: object
    ) -> Response:
        public = urlsplit(str(request.url))
        self.asked.append(f"{public.scheme}://{public.hostname}")
        bucket, _, rest = str(public.hostname).partition(".")
        path = f"/{bucket}/" if rest.startswith("oss-") else "/"
        inner = request.copy()
        inner.url = f"{self._url}{path}?{public.query}"
        return super().send(inner, **how)  # type: ignore[arg-type]


def public_inventory(funnel: BaseAdapter, endpoint: str) -> OssInventory:
    return OssInventory(account_at(endpoint), keys(), sleep=Pauses(), transport=lambda: funnel)


ENVIRONMENT: Mapping[str, str] = {
    "OSS_ACCESS_KEY_ID": KEY.id,
    "OSS_ACCESS_KEY_SECRET": KEY.secret,
    "OSS_SESSION_TOKEN": KEY.token,
}
