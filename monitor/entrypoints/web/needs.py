"""Which domains need somebody now, why, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.core.state import DomainState
from monitor.core.status import DomainStatus, tally
from monitor.core.verdict import Verdict
from monitor.usecases.snapshot import BY_URGENCY, Snapshot
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
    return sorted(concerned, key=lambda d: (BY_URGENCY.index(d.status.value), d.domain))


def need(snapshot: Snapshot, domain: DomainState, words: Wording) -> Need:
    """Say in a sentence each what is wrong with the domain, and in one what to do."""
    faults = faults_of(domain, words)
    if domain.status.value in _CALM:
        return Need(domain, "", faults, "")
    counted = _deciding(snapshot, domain)
    if counted is None or domain.binding is None:
        return Need(domain, words.word("no_answer_yet"), faults, "")
    verdict, count = counted
    said = words.word("said_share").format(
        count=count, total=len(domain.resolvers), reason=words.reason(verdict, domain.binding)
    )
    return Need(domain, said, faults, advice_on(domain, verdict, words))


def faults_of(domain: DomainState, words: Wording) -> tuple[str, ...]:
    """Say each fault of the domain in a sentence."""
    return tuple(words.fault(fault) for fault in sorted(domain.faults, key=lambda f: f.value))


def advice_on(domain: DomainState, verdict: Verdict, words: Wording) -> str:
    """Return what to do about one verdict; empty where nothing is to be done.

    Where every authority already serves the target, the record is right and a cache is late.
    """
    if domain.binding is None:
        return ""
    if verdict.is_in_effect is False and tally(domain.authorities).ratio == 1.0:
        is_in_time = domain.status.value is DomainStatus.PROPAGATING
        return words.word("advice_wait" if is_in_time else "advice_cache")
    return words.advice(verdict, domain.binding)


def _deciding(snapshot: Snapshot, domain: DomainState) -> tuple[Verdict, int] | None:
    """Return what most of the resolvers say that keep the domain from being in effect."""
    verdicts = [view.verdict for _, view in snapshot.views(domain)]
    wrong = [verdict for verdict in verdicts if verdict.is_in_effect is False]
    silent = [verdict for verdict in verdicts if verdict.is_in_effect is None]
    is_silence = domain.status.value is DomainStatus.UNKNOWN
    first, second = (silent, wrong) if is_silence else (wrong, silent)
    groups: dict[object, list[Verdict]] = {}
    for verdict in first or second:
        groups.setdefault((verdict.rule, verdict.seen), []).append(verdict)
    largest = max(groups.values(), key=len, default=None)
    return (largest[0], len(largest)) if largest else None
