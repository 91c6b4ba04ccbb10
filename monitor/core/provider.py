"""What a DNS provider's API says of a record: since when, and for whom, it is as it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from monitor.core.inventory import FailureReason
from monitor.core.names import DomainName, InvalidName


class ProviderReason(Enum):
    """What goes wrong at a DNS provider and at no bucket; the value is a metric label."""

    UNKNOWN_DOMAIN = "unknown_domain"
    LIBRARY_MISSING = "library_missing"


@dataclass(frozen=True, slots=True)
class ProviderFailure:
    """Why records could not be read; `detail` is for people and holds no secret."""

    reason: FailureReason | ProviderReason
    detail: str = ""


class Line(Enum):
    """For whom a record is meant, as far as this project tells networks apart."""

    DEFAULT = "default"
    TELECOM = "telecom"
    UNICOM = "unicom"
    MOBILE = "mobile"
    OVERSEA = "oversea"
    OTHER = "other"


def line_of(code: str) -> Line:
    """Return the network of a line's code; a province's line belongs to its carrier.

    Source: "Enumeration of DNS resolution lines" of Alibaba Cloud DNS: `cn_telecom_beijing`,
    `os_asia_hk`.
    """
    words = code.lower().split("_")
    name = words[1] if words[0] == "cn" and len(words) > 1 else words[0]
    if name == "os":
        return Line.OVERSEA
    return next((line for line in Line if line.value == name), Line.OTHER)


@dataclass(frozen=True, slots=True)
class ProviderRecord:
    """One record of one line. `line` is the provider's own code, `ttl` in seconds.

    `updated_at` is when anything of it was last edited, None where the provider does not say.
    """

    owner: DomainName
    record_type: str
    value: str
    ttl: int
    line: str
    is_enabled: bool
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProviderListing:
    """What one look at the records of one name found; with a failure it may be incomplete."""

    account: str
    records: tuple[ProviderRecord, ...]
    failure: ProviderFailure | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A change as the provider knows it: from the first to the last record that was edited."""

    changed_at: datetime
    completed_at: datetime
    lines: tuple[Line, ...]
    records: tuple[ProviderRecord, ...]


def told_change(
    records: Iterable[ProviderRecord],
    owner: DomainName,
    new_target: DomainName | None,
    unseen_since: datetime | None,
    detected_at: datetime,
    *,
    slack: timedelta = timedelta(minutes=1),
) -> Told | None:
    """Return what the provider tells of a change that was seen at the authorities.

    It explains the change where a CNAME of the owner says the new target, and was edited between
    the last sight of the old one and the first of the new one, give or take one interval of
    asking, the slack. Without a target, as for a removed record, one that was paused explains
    it; a deleted one has left nothing behind. Where nobody knows when the old value was last
    seen, this edit cannot be told from earlier ones.
    """
    if unseen_since is None:
        return None
    found = tuple(
        record
        for record in records
        if record.owner == owner
        and _says(record, new_target)
        and _is_edited_between(record, unseen_since - slack, detected_at + slack)
    )
    edits = [record.updated_at for record in found if record.updated_at is not None]
    if not edits:
        return None
    concerned = {line_of(record.line) for record in found}
    lines = tuple(line for line in Line if line in concerned)
    return Told(min(edits), max(edits), lines, found)


def _says(record: ProviderRecord, target: DomainName | None) -> bool:
    if record.record_type.upper() != "CNAME":
        return False
    if target is None:
        return not record.is_enabled
    try:
        return record.is_enabled and DomainName.parse(record.value) == target
    except InvalidName:
        return False


def _is_edited_between(record: ProviderRecord, earliest: datetime, latest: datetime) -> bool:
    return record.updated_at is not None and earliest <= record.updated_at <= latest
