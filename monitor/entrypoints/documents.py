"""The shapes in which scripts get what is known: the commands' and the API's JSON."""

from collections.abc import Iterable

from monitor.core.answers import Answer
from monitor.core.bindings import Binding
from monitor.core.events import Record
from monitor.core.inventory import AccountInventory, Failure
from monitor.core.servers import Resolver
from monitor.core.state import DomainState, State
from monitor.core.views import View
from monitor.entrypoints.change_documents import change_document
from monitor.entrypoints.instants import instant, maybe
from monitor.entrypoints.shapes.domains import DomainDocument, ResolverDocument, ViewDocument
from monitor.entrypoints.shapes.inventory import (
    AccountDocument,
    BindingDocument,
    FailureDocument,
)
from monitor.entrypoints.shapes.log import RecordDocument
from monitor.usecases.snapshot import Snapshot


def domain_document(snapshot: Snapshot, domain: DomainState) -> DomainDocument:
    """Return one domain with every answer, as `explain --json` and the API give it."""
    binding = domain.binding
    return {
        "domain": domain.domain.text,
        "display": domain.domain.display,
        "bucket": binding.bucket if binding else None,
        "endpoint": binding.endpoint if binding else None,
        "target": binding.target.name.text if binding else None,
        "account": binding.account if binding else None,
        "labels": dict(binding.labels) if binding else {},
        "status": domain.status.value.value,
        "since": instant(domain.since),
        "faults": _faults(domain),
        "answers": tuple(
            {"resolver": resolver.name, "group": resolver.group, **_view(view)}
            for resolver, view in snapshot.views(domain)
        ),
        "authorities": tuple(
            {"server": server, **_view(view)}
            for server, view in sorted(domain.authorities.items())
        ),
        "change": change_document(snapshot, change)
        if (change := snapshot.change(domain))
        else None,
    }


def resolver_document(snapshot: Snapshot, resolver: Resolver) -> ResolverDocument:
    return {
        "resolver": resolver.name,
        "group": resolver.group,
        "address": resolver.address,
        "port": resolver.port,
        "transport": resolver.transport.value,
        "client_subnet": resolver.client_subnet,
        "up": snapshot.is_up(resolver),
    }


def account_document(
    account: AccountInventory, state: State, bindings: Iterable[Binding] | None = None
) -> AccountDocument:
    """Return an account with its bindings, or these of them, and what could not be read of it."""
    shown = account.bindings if bindings is None else bindings
    return {
        "account": account.account,
        "last_success_at": maybe(account.last_success_at),
        "binding_count": len(account.bindings),
        "bindings": tuple(_binding(binding, state) for binding in shown),
        "failures": tuple(map(_failure, account.failures)),
    }


def _binding(binding: Binding, state: State) -> BindingDocument:
    return {
        "domain": binding.domain.text,
        "display": binding.domain.display,
        "bucket": binding.bucket,
        "endpoint": binding.endpoint,
        "target": binding.target.name.text,
        "enabled": binding.is_enabled,
        "faults": _faults(state.domains.get(binding.domain)),
        "bound_at": maybe(binding.bound_at),
        "certificate_expires_at": maybe(binding.certificate_expires_at),
    }


def _failure(failure: Failure) -> FailureDocument:
    return {
        "reason": failure.reason.value,
        "scope": failure.scope.value,
        "bucket": failure.bucket or None,
        "detail": failure.detail,
    }


def record_document(record: Record) -> RecordDocument:
    """Return one record of the audit log."""
    event = record.event
    return {
        "seq": record.seq,
        "at": event.at.isoformat(),  # as it was hashed, so that a script can verify the chain
        "type": event.type.value,
        "domain": event.domain.text if event.domain else None,
        "resolver": event.resolver,
        "change": event.change,
        "data": event.data,
        "evidence": event.evidence,
        "prev_hash": record.prev_hash,
        "hash": record.hash,
    }


def _faults(domain: DomainState | None) -> tuple[str, ...]:
    return tuple(sorted(fault.value for fault in domain.faults)) if domain else ()


def _view(view: View) -> ViewDocument:
    verdict, reply = view.verdict, view.reply
    answer = reply.outcome if isinstance(reply.outcome, Answer) else None
    chain = verdict.chain
    return {
        "verdict": verdict.kind.value,
        "rule": verdict.rule.value,
        "seen": verdict.seen,
        "in_effect": verdict.is_in_effect,
        "since": instant(view.since),
        "rcode": answer.rcode.name if answer else None,
        "chain": tuple(
            {"name": link.name.text, "target": link.target.text, "ttl": link.ttl}
            for link in chain.links
        ),
        "addresses": chain.addresses,
        "ttl": chain.first_ttl,
        "transport": reply.transport.value,
        "rtt_ms": round(reply.rtt.total_seconds() * 1000, 3),
        "ede": tuple(error.code for error in answer.extended_errors) if answer else (),
        "nsid": answer.nsid if answer else None,
        "at": instant(reply.at),
    }
