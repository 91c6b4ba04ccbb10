"""What is open as alerts for Alertmanager, under the names that the shipped rules use."""

from collections.abc import Iterator

from monitor.core.alert import Alert
from monitor.core.state import DomainState, State
from monitor.core.status import Fault
from monitor.core.told import ConcernKind, Told, ToldState
from monitor.wording import Wording

# A change on its way is no alert.
_NAMES = {
    ConcernKind.AUTHORITY_SPLIT: "OssCnameAuthoritySplit",
    ConcernKind.OVERSTAY: "OssCnamePropagationSlow",
    ConcernKind.REGRESSED: "OssCnameRegressed",
    ConcernKind.PARTIAL: "OssCnamePartial",
    ConcernKind.EXPIRED: "OssCnamePropagationExpired",
    ConcernKind.BROKEN: "OssCnameBroken",
}
# Of several faults the first one names the alert; those without a rule of their own share a name.
_FAULT_NAMES = {
    Fault.BUCKET_MISSING: "OssCnameDangling",
    Fault.UNBOUND: "OssCnameUnbound",
    Fault.BINDING_DISABLED: "OssCnameUnbound",
    Fault.CERTIFICATE_MISSING: "OssCnameCertificateExpiring",
    Fault.CERTIFICATE_EXPIRING: "OssCnameCertificateExpiring",
}
_OTHER_FAULT = "OssCnameFault"


def alerts_of(state: State, channel: str, words: Wording, pages: str | None) -> Iterator[Alert]:
    """Yield an alert for each domain of which the channel has something open."""
    for (of_channel, name), told in state.told.items():
        if of_channel != channel or told.state is not ToldState.OPEN:
            continue
        domain = state.domains.get(name)
        if domain is not None and (alert := _name(told, domain)):
            yield _alert(alert, told, domain, words, pages)


def _name(told: Told, domain: DomainState) -> str | None:
    kind = told.concern.kind
    if kind is not ConcernKind.FAULT:
        return _NAMES.get(kind)
    ranked = (name for fault, name in _FAULT_NAMES.items() if fault in domain.faults)
    return next(ranked, _OTHER_FAULT)


def _alert(name: str, told: Told, domain: DomainState, words: Wording, pages: str | None) -> Alert:
    concern, binding = told.concern, domain.binding
    summary = f"{domain.domain.display}: {words.concern(concern.kind)}"
    page = f"changes/{concern.change}" if concern.change else f"domains/{domain.domain.text}"
    return Alert(
        labels={
            "alertname": name,
            "severity": concern.severity.value,
            "domain": domain.domain.text,
            "bucket": binding.bucket if binding else "",
            "account": binding.account if binding else "",
        },
        annotations={"summary": summary},
        starts_at=concern.since,
        generator_url=f"{pages.rstrip('/')}/{page}" if pages else None,
    )
