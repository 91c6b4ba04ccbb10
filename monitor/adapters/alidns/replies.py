"""From a reply of the API to the records of one name."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeAlias

from monitor.adapters.alidns.errors import Refused
from monitor.core.inventory import FailureReason
from monitor.core.names import DomainName, InvalidName
from monitor.core.provider import ProviderFailure, ProviderListing, ProviderRecord

_SHOWN = 200  # characters of a text from the network that a failure may repeat
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = 10**11  # the year 5138; a number above it counts milliseconds

Entries: TypeAlias = list[Any]  # as they came: nothing is known of them before `listing_of`


@dataclass(frozen=True, slots=True)
class Page:
    entries: Entries
    total: int  # of all pages


def page_of(status: int, content: bytes) -> Page:
    """Return the page that a reply is. Raises Refused where it is none."""
    try:
        reply = json.loads(content)
    except (ValueError, RecursionError):
        reply = None
    match reply:
        case {"TotalCount": int(total), "DomainRecords": {"Record": list(entries)}} if (
            status == HTTPStatus.OK
        ):
            return Page(entries, total)
        case {"Code": str(code)}:
            raise Refused(status, code, str(reply.get("RequestId", "")))
        case _:
            raise Refused(status)


def listing_of(account: str, owner: DomainName, entries: Entries) -> ProviderListing:
    """Return every record of the name that can be read, and one failure for all that cannot."""
    faults: list[str] = []
    found = [_record(entry, owner, faults) for entry in entries]
    failure = ProviderFailure(FailureReason.MALFORMED, "; ".join(faults)[:_SHOWN])
    records = tuple(record for record in found if record is not None)
    return ProviderListing(account, records, failure if faults else None)


def _record(entry: Any, owner: DomainName, faults: list[str]) -> ProviderRecord | None:
    match entry:
        case {"DomainName": str(zone), "RR": str(host)} if _name(host, zone) != owner:
            return None  # where the search is not exact, others come along
        case {
            "DomainName": str(),
            "RR": str(),
            "Type": str(record_type),
            "Value": str(value),
            "TTL": int(ttl),
            "Line": str(line),
            "Status": str(status),
        }:
            # Either may be missing. What was never edited is as it was made.
            written = entry.get("UpdateTimestamp") or entry.get("CreateTimestamp") or None
            return ProviderRecord(
                owner=owner,
                record_type=record_type,
                value=value,
                ttl=ttl,
                line=line,
                is_enabled=status.upper() == "ENABLE",  # either case comes
                updated_at=_moment(written, owner, faults),
            )
        case _:
            faults.append(f"an entry beside {owner} is no record")
            return None


def _name(host: str, zone: str) -> DomainName | None:
    try:
        return DomainName.parse(zone if host == "@" else f"{host}.{zone}")
    except InvalidName:
        return None


def _moment(written: Any, owner: DomainName, faults: list[str]) -> datetime | None:
    if written is None:
        return None
    if type(written) is int and written > 0:
        unit = "milliseconds" if written > _SECONDS else "seconds"  # the API does not say which
        try:
            return _EPOCH + timedelta(**{unit: written})
        except OverflowError:
            pass
    faults.append(f"a record of {owner} was edited at no time: {written!r}"[:_SHOWN])
    return None
