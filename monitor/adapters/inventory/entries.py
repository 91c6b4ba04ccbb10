"""From the domains of one bucket, as OSS lists them, to bindings and entry failures."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from monitor.adapters.inventory.calls import CnameEntry
from monitor.adapters.inventory.dates import from_iso, from_rfc1123
from monitor.core.bindings import Binding, BucketTarget
from monitor.core.inventory import Failure, FailureReason, Scope
from monitor.core.names import DomainName, InvalidName

_SHOWN = 200  # characters of a text from the network that a failure may repeat


@dataclass(frozen=True, slots=True)
class Found:
    """What one bucket gave."""

    bindings: tuple[Binding, ...] = ()
    failures: tuple[Failure, ...] = ()


def found_in(target: BucketTarget, account: str, entries: Iterable[CnameEntry]) -> Found:
    """Return every entry that can be read, and a failure for everything that cannot."""
    faults: list[str] = []
    bindings = [
        binding
        for entry in entries
        if (binding := _binding(entry, target, account, faults)) is not None
    ]
    return Found(tuple(bindings), tuple(_failure(target.bucket, fault) for fault in faults))


def _binding(
    entry: CnameEntry, target: BucketTarget, account: str, faults: list[str]
) -> Binding | None:
    try:
        domain = DomainName.parse(entry.domain or "")
    except InvalidName as error:
        faults.append(str(error))
        return None
    dates = _Dates(domain, faults)
    return Binding(
        domain=domain,
        target=target,
        account=account,
        # Absent in no reply that is known; without it, bound means in use.
        is_enabled=(entry.status or "Enabled").lower() == "enabled",
        bound_at=dates.read("LastModified", entry.last_modified, from_iso),
        certificate_expires_at=dates.read("ValidEndDate", entry.certificate_end, from_rfc1123),
    )


@dataclass(frozen=True, slots=True)
class _Dates:
    domain: DomainName
    faults: list[str]

    def read(
        self, name: str, written: str | None, parse: Callable[[str], datetime | None]
    ) -> datetime | None:
        if not written:
            return None
        moment = parse(written)
        if moment is None:
            self.faults.append(f"{name} of {self.domain} is no date: {written!r}")
        return moment


def _failure(bucket: str, fault: str) -> Failure:
    return Failure(FailureReason.MALFORMED, Scope.ENTRY, bucket, fault[:_SHOWN])
