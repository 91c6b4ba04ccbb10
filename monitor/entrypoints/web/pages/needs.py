"""Which domains need somebody now, why, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.core.state import DomainState
from monitor.core.status import DomainStatus
from monitor.core.views import View
from monitor.ports import StoreLost
from monitor.usecases.snapshot import Snapshot, urgency
from monitor.wording import Wording

_CALM = frozenset({DomainStatus.IN_EFFECT, DomainStatus.PAUSED})


@dataclass(frozen=True, slots=True)
class Need:
    """A domain that needs somebody; `said` and `advice` are empty where the faults say it all."""

    domain: DomainState
    said: str
    faults: tuple[str, ...]
    advice: str


def urgent(snapshot: Snapshot) -> Sequence[DomainState]:
    """Return the domains that are not as they should be, the most urgent first."""
    concerned = [d for d in snapshot.domains if d.status.value not in _CALM or d.faults]
    return sorted(concerned, key=urgency)


def need(snapshot: Snapshot, domain: DomainState, words: Wording) -> Need:
    """Say in a sentence each what is wrong with the domain, and in one what to do."""
    faults = faults_of(domain, words)
    if domain.status.value in _CALM:
        return Need(domain, "", faults, "")
    try:
        return _explained(snapshot, domain, faults, words)
    except StoreLost:
        return Need(domain, words.word("why_unavailable"), faults, "")


def _explained(
    snapshot: Snapshot, domain: DomainState, faults: tuple[str, ...], words: Wording
) -> Need:
    counted = _deciding(snapshot, domain)
    if counted is None or domain.binding is None:
        return Need(domain, words.word("no_answer_yet"), faults, "")
    view, count = counted
    said = words.word("said_share").format(
        count=count, total=len(domain.resolvers), reason=words.reason(view.verdict, domain.binding)
    )
    advice = words.advice(view.verdict, domain.binding, snapshot.remedy(domain, view))
    return Need(domain, said, faults, advice)


def faults_of(domain: DomainState, words: Wording) -> tuple[str, ...]:
    """Say each fault of the domain in a sentence."""
    return tuple(words.fault(fault) for fault in sorted(domain.faults, key=lambda f: f.value))


def _deciding(snapshot: Snapshot, domain: DomainState) -> tuple[View, int] | None:
    """Return what most of the resolvers say that keep the domain from being in effect."""
    views = [view for _, view in snapshot.views(domain)]
    wrong = [view for view in views if view.verdict.is_in_effect is False]
    silent = [view for view in views if view.verdict.is_in_effect is None]
    is_silence = domain.status.value is DomainStatus.UNKNOWN
    first, second = (silent, wrong) if is_silence else (wrong, silent)
    groups: dict[object, list[View]] = {}
    for view in first or second:
        groups.setdefault((view.verdict.rule, view.verdict.seen), []).append(view)
    largest = max(groups.values(), key=len, default=None)
    return (min(largest, key=lambda view: view.since), len(largest)) if largest else None
