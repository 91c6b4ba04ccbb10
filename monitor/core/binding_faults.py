"""What the inventory as a whole, and the bucket itself, say of a binding: its faults.

Each fault has one source at a time. What OSS lists decides whether a domain is bound and when its
certificate ends; where it lists nothing of a domain, an HTTP answer does.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core.bindings import CONFIGURED, Binding, BucketTarget
from monitor.core.events import Json
from monitor.core.inventory import AccountInventory
from monitor.core.serving import (
    HttpAnswer,
    HttpSilence,
    Visit,
    certificate_faults_shown,
    expires_soon,
    faults_shown,
    read_sign,
)
from monitor.core.state import DomainState, RoundPolicy, State, Step, joined, see_faults
from monitor.core.status import Fault
from monitor.core.verdict import VerdictKind
from monitor.core.views import standings_of

OF_VISITS = frozenset(
    {
        Fault.BUCKET_MISSING,
        Fault.UNBOUND,
        Fault.CERTIFICATE_EXPIRING,
        Fault.CERTIFICATE_MISSING,
    }
)


@dataclass(frozen=True, slots=True)
class FaultPolicy:
    """How many looks make a fault, how long before its end a certificate is one, and who looks.

    Where HTTPS is expected, a domain without a certificate has a fault.
    """

    rounds: RoundPolicy
    certificate_warning: timedelta = timedelta(days=21)
    is_http_checked: bool = False
    is_https_expected: bool = False

    @property
    def is_https_checked(self) -> bool:
        return self.is_http_checked and self.is_https_expected

    @property
    def at_once(self) -> RoundPolicy:
        """For what OSS itself has written down: one look is enough."""
        return replace(self.rounds, fail_after=1, recover_after=1)


def see_inventory(state: State, account: str, policy: FaultPolicy, now: datetime) -> Step:
    """Take what the newest look at one account shows of its domains, and of those bound by hand.

    What could not be read shows nothing.
    """
    known = state.accounts.get(account)
    if known is None:
        return Step()
    soon = now + policy.certificate_warning
    own = (
        _listed(state, domain, policy, now)
        for domain in _bound_by(state, known, known.bindings)
        if _is_in_question(domain, policy, soon)
    )
    if account == CONFIGURED:
        return joined(own)
    by_hand = state.accounts.get(CONFIGURED, AccountInventory(CONFIGURED))
    here = [binding for binding in by_hand.bindings if _is_read(known, binding)]
    shown: Mapping[str, Json] = {"account": account}
    missing = (
        see_faults(domain, {Fault.UNBOUND: True}, policy.rounds, now, shown)
        for domain in _bound_by(state, by_hand, here)
    )
    return joined((*own, *missing))


def _is_in_question(domain: DomainState, policy: FaultPolicy, soon: datetime) -> bool:
    """Tell, at little cost, of nearly every domain of a long list that nothing is to be said."""
    if domain.faults or domain.doubts or domain.binding is None:
        return True
    ends = domain.binding.certificate_expires_at
    return policy.is_https_expected if ends is None else ends <= soon


def see_visit(
    state: State, binding: Binding, visit: Visit, policy: FaultPolicy, now: datetime
) -> Step:
    """Take one look over HTTP at a binding; nothing where it is another one by now."""
    domain = state.domains.get(binding.domain)
    if domain is None or domain.binding is None or domain.binding.target != binding.target:
        return Step()
    found = dict(faults_shown(visit.outcome))
    if domain.binding.account != CONFIGURED or _owner(state, domain.binding) is not None:
        found.pop(Fault.UNBOUND, None)
    if visit.certificate is not None:
        warning = policy.certificate_warning
        found |= certificate_faults_shown(visit.certificate, visit.at, warning)
    if domain.binding.certificate_expires_at is not None:
        found.pop(Fault.CERTIFICATE_EXPIRING, None)
    return see_faults(domain, found, policy.rounds, now, _told(visit))


def _bound_by(
    state: State, account: AccountInventory, bindings: Iterable[Binding]
) -> Iterator[DomainState]:
    """Yield the domains of these bindings that only this account binds, or was the first to."""
    for binding in bindings:
        domain = state.domains.get(binding.domain)
        if domain is None or domain.binding is None or domain.rivals:
            continue
        if domain.binding.account == account.account:
            yield domain


def _listed(state: State, domain: DomainState, policy: FaultPolicy, now: datetime) -> Step:
    binding = domain.binding
    if binding is None:
        return Step()
    is_listed, ends = binding.account != CONFIGURED, binding.certificate_expires_at
    found: dict[Fault, bool] = {}
    if ends is not None or not policy.is_https_checked:
        found[Fault.CERTIFICATE_EXPIRING] = expires_soon(ends, now, policy.certificate_warning)
    if not policy.is_https_checked:
        is_missing = policy.is_https_expected and is_listed and ends is None
        found[Fault.CERTIFICATE_MISSING] = is_missing and binding.is_enabled and _is_direct(domain)
    if not policy.is_http_checked:
        found[Fault.BUCKET_MISSING] = False  # nobody looks any more
    if is_listed or not (policy.is_http_checked or _owner(state, binding)):
        found[Fault.UNBOUND] = False
    shown: Mapping[str, Json] = {"account": binding.account}
    if ends is not None:
        shown = {**shown, "certificate_expires_at": ends.isoformat()}
    return see_faults(domain, found, policy.at_once, now, shown)


def _is_direct(domain: DomainState) -> bool:
    """Tell whether it is known that no proxy, with a certificate of its own, stands before OSS."""
    kinds = [standing.kind for _, standing in standings_of(domain.resolvers)]
    return bool(kinds) and VerdictKind.VIA_PROXY not in kinds


def _owner(state: State, binding: Binding) -> AccountInventory | None:
    """Return the account that has the binding's bucket; None where no account is known to."""
    return next((a for a in state.accounts.values() if _has(a, binding)), None)


def _has(account: AccountInventory, binding: Binding) -> bool:
    return isinstance(binding.target, BucketTarget) and binding.bucket in account.buckets


def _is_read(account: AccountInventory, binding: Binding) -> bool:
    """Tell whether the last look read all that is bound to the binding's bucket."""
    return _has(account, binding) and not _hides(account, binding.bucket)


def _hides(account: AccountInventory, bucket: str) -> bool:
    return any(failure.bucket in {"", bucket} for failure in account.failures)


def _told(visit: Visit) -> Mapping[str, Json]:
    """Return what a look showed, as evidence."""
    reading = read_sign(visit.outcome)
    told: dict[str, Json] = {"sign": reading.sign.value, "rule": reading.rule.value}
    match visit.outcome:
        case HttpAnswer(status, server, request_id, code, ec):
            told |= {"status": status, "server": server, "code": code, "ec": ec}
            told |= {"request_id": request_id, "address": visit.address}
        case HttpSilence(reason, detail):
            told |= {"reason": reason.value, "detail": detail}
    if visit.certificate is not None:
        ends = visit.certificate.expires_at
        told["certificate"] = visit.certificate.sign.value
        told["certificate_expires_at"] = ends.isoformat() if ends else None
    return told
