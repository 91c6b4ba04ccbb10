"""A page of bindings, each beneath its account."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monitor.core.bindings import Binding
from monitor.core.inventory import AccountInventory
from monitor.core.names import DomainName, InvalidName
from monitor.entrypoints.web.listing import bad_cursor


class Part(NamedTuple):
    """An account and some of its bindings; one without any is shown once."""

    account: AccountInventory
    bindings: Sequence[Binding]


class _Begin(NamedTuple):
    """After which account, and which of its bindings, a page begins."""

    account: str
    place: tuple[str, str]


def parts_of(
    accounts: Sequence[AccountInventory], cursor: str, limit: int
) -> tuple[tuple[Part, ...], str | None]:
    """Return the parts of a page of so many bindings, and the cursor to what follows.

    An HTTP error for a cursor that nobody was given.
    """
    parts, left, last = list[Part](), limit, ""
    for account, bindings in _rest(accounts, _begin(cursor)):
        shown = bindings[:left]
        if bindings and not shown:
            return tuple(parts), last
        parts.append(Part(account, shown))
        left -= len(shown)
        if shown:
            last = ":".join((account.account, *_place(shown[-1])))
        if len(shown) < len(bindings):
            return tuple(parts), last
    return tuple(parts), None


def _rest(accounts: Sequence[AccountInventory], begin: _Begin | None) -> Iterator[Part]:
    """Yield what follows, by account; an inventory holds its bindings by domain and target."""
    for account in sorted(accounts, key=lambda account: account.account):
        if begin is None or account.account > begin.account:
            yield Part(account, account.bindings)
        elif account.account == begin.account:
            first = bisect_right(account.bindings, begin.place, key=_place)
            if first < len(account.bindings):
                yield Part(account, account.bindings[first:])


def _begin(cursor: str) -> _Begin | None:
    if not cursor:
        return None
    try:
        account, domain, target = cursor.rsplit(":", 2)
        return _Begin(account, (DomainName.parse(domain).text, DomainName.parse(target).text))
    except (ValueError, InvalidName):
        raise bad_cursor() from None


def _place(binding: Binding) -> tuple[str, str]:
    return binding.domain.text, binding.target.name.text
