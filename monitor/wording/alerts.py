"""What is open as alerts for Alertmanager, under the names that the shipped rules use."""

from collections.abc import Iterator

from monitor.core.alert import Alert
from monitor.core.state import DomainState, State
from monitor.core.told import ConcernKind, Told, ToldState
from monitor.wording import Wording

# A change on its way is no alert.
_NAMES = {
    ConcernKind.FAULT: "OssCnameFault",
    ConcernKind.AUTHORITY_SPLIT: "OssCnameAuthoritySplit",
    ConcernKind.OVERSTAY: "OssCnamePropagationSlow",
    ConcernKind.REGRESSED: "OssCnameRegressed",
    ConcernKind.PARTIAL: "OssCnamePartial",
    ConcernKind.EXPIRED: "OssCnamePropagationExpired",
    ConcernKind.BROKEN: "OssCnameBroken",
}


def alerts_of(state: State, channel: str, words: Wording, pages: str | None) -> Iterator[Alert]:
    """Yield an alert for each domain of which the channel has something open."""
    for (of_channel, name), told in state.told.items():
        if of_channel != channel or told.state is not ToldState.OPEN:
            continue
        if (domain := state.domains.get(name)) and told.concern.kind in _NAMES:
            yield _alert(told, domain, words, pages)


def _alert(told: Told, domain: DomainState, words: Wording, pages: str | None) -> Alert:
    concern, binding = told.concern, domain.binding
    summary = f"{domain.domain.display}: {words.concern(concern.kind)}"
    page = f"changes/{concern.change}" if concern.change else f"domains/{domain.domain.text}"
    return Alert(
        labels={
            "alertname": _NAMES[concern.kind],
            "severity": concern.severity.value,
            "domain": domain.domain.text,
            "bucket": binding.bucket if binding else "",
            "account": binding.account if binding else "",
        },
        annotations={"summary": summary},
        starts_at=concern.since,
        generator_url=f"{pages.rstrip('/')}/{page}" if pages else None,
    )
