"""What the loopback OSS endpoint holds: accounts, buckets, bound domains, and planned faults."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from typing import Self

from monitor.demo.signature import AccessKey

ACCOUNT = ""  # the place of a fault that meets the listing of buckets


class FaultKind(Enum):
    """Everything that a call can be made to meet."""

    NO_SUCH_CNAME = auto()
    EMPTY = auto()
    DENIED = auto()
    WRONG_ENDPOINT = auto()
    NO_SUCH_BUCKET = auto()
    THROTTLED = auto()
    TOO_MANY_REQUESTS = auto()
    SERVER_ERROR = auto()
    SILENT = auto()
    STALLED = auto()
    MALFORMED = auto()
    TRUNCATED = auto()
    HTML = auto()
    REDIRECTED = auto()
    ENDPOINT_FORBIDDEN = auto()
    USER_DISABLED = auto()


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that the next `times` calls meet, or all of them."""

    kind: FaultKind
    times: int | None = None
    endpoint: str = ""  # where WRONG_ENDPOINT and REDIRECTED point to


@dataclass(slots=True)
class DemoCertificate:
    """Dates as OSS writes them here: `Mon, 4 May 2048 10:14:51 GMT`."""

    valid_from: str
    valid_until: str
    id: str = "1000001-cn-hangzhou"


@dataclass(slots=True)
class DemoCname:
    """A bound domain; `last_modified` as OSS writes it here: `2021-09-15T02:35:07.000Z`."""

    domain: str
    last_modified: str = "2021-09-15T02:35:07.000Z"
    status: str = "Enabled"
    certificate: DemoCertificate | None = None
    is_wildcard: bool | None = None  # None: the reply has no such element, as before 2026


@dataclass(frozen=True, slots=True)
class DemoToken:
    """What proves a domain; `expires` as OSS writes it: `Wed, 23 Feb 2022 21:16:37 GMT`."""

    value: str
    expires: str


@dataclass(slots=True)
class DemoBucket:
    """A bucket; without a region its reply is an old one that has only the location."""

    name: str
    location: str
    extranet_endpoint: str
    region: str | None = None
    cnames: list[DemoCname] = field(default_factory=list)
    tokens: dict[str, DemoToken] = field(default_factory=dict)  # by domain
    is_public: bool = False  # whether who does not sign may read it

    @classmethod
    def within(cls, region: str, name: str, *cnames: DemoCname) -> Self:
        """Return a bucket with the usual names of its region."""
        location = f"oss-{region}"
        return cls(name, location, f"{location}.aliyuncs.com", region, list(cnames))

    @property
    def signing_region(self) -> str:
        return self.region or self.location.removeprefix("oss-")


@dataclass(slots=True)
class DemoAccount:
    """An owner of keys and buckets; faults by bucket name, or by ACCOUNT."""

    id: str
    keys: list[AccessKey]
    buckets: list[DemoBucket] = field(default_factory=list)
    faults: dict[str, Fault] = field(default_factory=dict)

    def bucket(self, name: str) -> DemoBucket | None:
        return next((bucket for bucket in self.buckets if bucket.name == name), None)

    def next_fault(self, place: str) -> Fault | None:
        """Return the fault that the call at hand meets, and count it off."""
        fault = self.faults.get(place)
        if fault is None or fault.times == 0:
            return None
        if fault.times is not None:
            self.faults[place] = replace(fault, times=fault.times - 1)
        return fault


@dataclass(frozen=True, slots=True)
class SeenCall:
    """A call that was let in: by which key, for which bucket or the ACCOUNT."""

    key_id: str
    place: str


@dataclass(slots=True)
class OssState:
    """Everything the endpoint answers from; change it while the endpoint runs."""

    accounts: list[DemoAccount]
    now: Callable[[], datetime]
    region: str = "cn-hangzhou"  # listing buckets is signed for the endpoint's region
    page_size: int = 1000
    deleted: dict[str, str] = field(
        default_factory=dict
    )  # by host, the bucket that it was bound to
    host_faults: dict[str, Fault] = field(default_factory=dict)  # what visitors of a host meet
    calls: deque[SeenCall] = field(default_factory=lambda: deque(maxlen=10_000))
    visits: deque[str] = field(default_factory=lambda: deque(maxlen=10_000))  # by host

    @property
    def keys(self) -> dict[str, AccessKey]:
        return {key.id: key for account in self.accounts for key in account.keys}

    def account_of(self, key: AccessKey) -> DemoAccount:
        return next(account for account in self.accounts if key in account.keys)

    def bucket_at(self, host: str) -> DemoBucket | None:
        """Return the bucket that OSS serves under a host name: by its own, or by a bound one."""
        for bucket in (bucket for account in self.accounts for bucket in account.buckets):
            bound = {cname.domain for cname in bucket.cnames if cname.status == "Enabled"}
            if host in bound or host == f"{bucket.name}.{bucket.extranet_endpoint}":
                return bucket
        return None

    def owner_of(self, bucket: str) -> DemoAccount | None:
        return next((account for account in self.accounts if account.bucket(bucket)), None)
