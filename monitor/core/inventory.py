"""What is bound: each account's last known bindings, and what follows from them together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import TypeAlias

from monitor.core.bindings import CONFIGURED, Binding
from monitor.core.names import DomainName


class FailureReason(Enum):
    """Why an account, a bucket or an entry could not be read; the value is a metric label."""

    CREDENTIALS = "credentials"
    SIGNATURE = "signature"
    DENIED = "denied"
    WRONG_ENDPOINT = "wrong_endpoint"
    ENDPOINT_FORBIDDEN = "endpoint_forbidden"
    CLOCK_SKEW = "clock_skew"
    SUSPENDED = "suspended"
    NO_SUCH_BUCKET = "no_such_bucket"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    SERVER_ERROR = "server_error"
    MALFORMED = "malformed"
    OTHER = "other"


class Scope(Enum):
    """How much one failure hides: everything, one bucket, or one entry of a bucket."""

    ACCOUNT = "account"
    BUCKET = "bucket"
    ENTRY = "entry"


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that could not be read; `detail` is for people and holds no secret."""

    reason: FailureReason
    scope: Scope
    bucket: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What one look at one account found, complete or not; `buckets` are all that it looked at."""

    account: str
    bindings: tuple[Binding, ...]
    failures: tuple[Failure, ...] = ()
    buckets: frozenset[str] = frozenset()

    @property
    def reached_account(self) -> bool:
        return all(failure.scope is not Scope.ACCOUNT for failure in self.failures)

    @property
    def unread_buckets(self) -> frozenset[str]:
        return frozenset(f.bucket for f in self.failures if f.scope is Scope.BUCKET)


@dataclass(frozen=True, slots=True)
class AccountInventory:
    """An account's last known bindings, by domain in their order, and how its last look went."""

    account: str
    bindings: tuple[Binding, ...] = ()
    last_success_at: datetime | None = None
    failures: tuple[Failure, ...] = ()
    buckets: frozenset[str] = frozenset()


def fold(known: AccountInventory, listing: Listing, now: datetime) -> AccountInventory:
    """Return the inventory after a look: a bucket that could not be read stays as last known.

    Only a look that read every bucket counts as a success. An entry that makes no sense is left
    out alone: of the rest of its bucket, the listing tells what is bound and what no longer is.
    """
    if not listing.reached_account:
        return replace(known, failures=listing.failures)
    kept = [binding for binding in known.bindings if binding.bucket in listing.unread_buckets]
    bindings = tuple(sorted([*kept, *listing.bindings], key=_place))
    return AccountInventory(
        account=known.account,
        bindings=_same_where_equal(known.bindings, bindings),
        last_success_at=known.last_success_at if listing.unread_buckets else now,
        failures=listing.failures,
        buckets=listing.buckets,
    )


def _same_where_equal(
    known: tuple[Binding, ...], bindings: tuple[Binding, ...]
) -> tuple[Binding, ...]:
    """Return the objects that are known: whoever compares or keeps them is done at once."""
    if bindings == known:
        return known
    by_domain = {binding.domain: binding for binding in known}
    found = ((by_domain.get(binding.domain), binding) for binding in bindings)
    return tuple(old if old == new and old is not None else new for old, new in found)


@dataclass(frozen=True, slots=True)
class WatchList:
    """Every bound domain once: with its one binding, or with the rivals that claim it."""

    bindings: Mapping[DomainName, Binding]
    rivals: Mapping[DomainName, tuple[Binding, ...]]

    @property
    def domains(self) -> frozenset[DomainName]:
        return frozenset(self.bindings) | frozenset(self.rivals)


def watch_list(accounts: Iterable[AccountInventory]) -> WatchList:
    """Join all accounts: one target per domain is its binding, several are a fault.

    A binding that the configuration repeats adds its labels to what an account found.
    """
    claims: dict[DomainName, list[Binding]] = {}
    for account in accounts:
        for binding in account.bindings:
            claims.setdefault(binding.domain, []).append(binding)
    single = {d: _joined(found) for d, found in claims.items() if _agree(found)}
    rivals = {d: tuple(sorted(f, key=_place)) for d, f in claims.items() if not _agree(f)}
    return WatchList(single, rivals)


@dataclass(frozen=True, slots=True)
class Added:
    binding: Binding


@dataclass(frozen=True, slots=True)
class Removed:
    binding: Binding


@dataclass(frozen=True, slots=True)
class Moved:
    """The same domain, now bound to another target or through another account."""

    before: Binding
    after: Binding


InventoryChange: TypeAlias = Added | Removed | Moved


def differences(
    before: Mapping[DomainName, Binding], after: WatchList
) -> tuple[InventoryChange, ...]:
    """Return what changed, by domain; a domain that rivals claim keeps its last binding."""
    changes: list[InventoryChange] = []
    both = before.keys() | after.bindings.keys()
    for domain in sorted([d for d in both if before.get(d) is not after.bindings.get(d)]):
        old, new = before.get(domain), after.bindings.get(domain)
        match old, new:
            case None, Binding():
                changes.append(Added(new))
            case Binding(), None if domain not in after.rivals:
                changes.append(Removed(old))
            case Binding(), Binding() if (old.target, old.account) != (new.target, new.account):
                changes.append(Moved(old, new))
            case _:
                pass
    return tuple(changes)


def _agree(claims: list[Binding]) -> bool:
    return len(claims) == 1 or len({binding.target for binding in claims}) == 1


def _joined(claims: list[Binding]) -> Binding:
    if len(claims) == 1 and len(claims[0].labels) < 2:
        return claims[0]
    found = sorted(claims, key=lambda binding: (binding.account == CONFIGURED, _place(binding)))
    labels = {key: value for binding in reversed(found) for key, value in binding.labels}
    return replace(found[0], labels=tuple(sorted(labels.items())))


def _place(binding: Binding) -> tuple[str, str, str]:
    return (binding.domain.text, binding.account, binding.target.name.text)
