"""A small zone at a loopback Alibaba Cloud DNS, and who looks at it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from monitor.adapters.alidns.api import AlidnsAccount, AlidnsRecords
from monitor.adapters.inventory.credentials import CredentialsUnavailable, StaticCredentials
from monitor.core.names import DomainName
from monitor.core.provider import ProviderListing, ProviderRecord
from monitor.demo.signature import AccessKey
from tests.adapters.alidns.alidns_endpoint import KEY, AlidnsEndpoint, AlidnsState

ZONE = "example.com"
OWNER = DomainName("img.example.com")
TARGET = "photos.oss-cn-hangzhou.aliyuncs.com"
EDITED = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
MADE = datetime(2020, 5, 1, tzinfo=UTC)


def entry(host: str = "img", value: str = TARGET, **more: Any) -> dict[str, Any]:
    """Return a record as the API writes it; what is None is left out."""
    fields = {
        "DomainName": ZONE,
        "RecordId": "9999985",
        "RR": host,
        "Type": "CNAME",
        "Value": value,
        "TTL": 600,
        "Line": "default",
        "Status": "ENABLE",
        "Locked": False,
        "Weight": 1,
        "CreateTimestamp": milliseconds(MADE),
        "UpdateTimestamp": milliseconds(EDITED),
    } | more
    return {name: value for name, value in fields.items() if value is not None}


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def record(
    *, value: str = TARGET, line: str = "default", is_enabled: bool = True
) -> ProviderRecord:
    return ProviderRecord(OWNER, "CNAME", value, 600, line, is_enabled, EDITED)


def world(*entries: Any) -> AlidnsState:
    return AlidnsState({ZONE: list(entries)})


@dataclass
class Pauses:
    """A sleep that takes no time and remembers how long it should have been."""

    lengths: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.lengths.append(seconds)


def keys(key: AccessKey = KEY) -> StaticCredentials:
    return StaticCredentials(lambda: key.id, lambda: key.secret, lambda: key.token)


def records_at(
    url: str,
    pauses: Pauses | None = None,
    *,
    key: AccessKey = KEY,
    timeout: float = 5.0,
    attempts: int = 4,
) -> AlidnsRecords:
    return AlidnsRecords(
        AlidnsAccount("main", url, timeout, attempts),
        keys(key),
        unavailable=CredentialsUnavailable,
        sleep=pauses or Pauses(),
    )


async def look(
    state: AlidnsState, owner: DomainName = OWNER, pauses: Pauses | None = None
) -> ProviderListing:
    async with AlidnsEndpoint(state) as endpoint:
        return await records_at(endpoint.url, pauses).look(owner)


def asked(state: AlidnsState) -> list[str]:
    """Return the zones that calls were let in for, in turn."""
    return [call["DomainName"] for call in state.calls]
