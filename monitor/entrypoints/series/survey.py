"""One look at all that is known, before a scrape is written: families need their sums first."""

from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import compress
from typing import NamedTuple, TypeAlias

from monitor.core.state import DomainState
from monitor.core.tracking.changes import Change
from monitor.entrypoints.series.doors import (
    Changes,
    Past,
    Said,
    Shown,
    Ttls,
    authority_ratio,
    said_of,
)
from monitor.entrypoints.series.labels import escaped
from monitor.usecases.snapshot import Snapshot

# What is looked at in one turn, and a family writes in a millisecond or two.
_PAIRS_AT_ONCE = 1000
_PAIRS_PER_DOMAIN = 4  # as many cost what a domain costs besides
_PAIRS_PER_TRACK = 8
_BATCHES_AT_ONCE = 30


@dataclass(slots=True, eq=False)
class Row:
    """What the resolvers say of a domain, TTLs apart, and of how many domains they say the same.

    Most domains are seen alike, so what follows from a row is worked out once for all of its
    domains. It is equal to itself alone, which makes a fast key.
    """

    resolvers: tuple[str, ...]
    verdicts: tuple[str, ...]
    effects: tuple[bool | None, ...]
    coverage: float | None
    ratio: float | None
    domains: int = 0


class Seen(NamedTuple):
    """What was found of one domain; `name` and `place`, its labels, are escaped.

    There are no instants where there is no change to show, and no TTLs where pairs are left out.
    """

    domain: DomainState
    name: str
    place: str
    row: Row
    ttls: Ttls
    change: Change | None
    instants: Mapping[str, datetime]
    propagation: float | None
    authority: float | None
    coverage: float | None


Batch: TypeAlias = list[Seen]


@dataclass(slots=True)
class Survey:
    """All that was found, of one moment; `said` are each resolver's verdicts, and how often.

    The changes of the `past` are for the next one.
    """

    snapshot: Snapshot
    max_pairs: int
    batches: list[Batch] = field(default_factory=list)
    rows: dict[Said, Row] = field(default_factory=dict)
    pairs: int = 0
    said: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    past: Past = field(default_factory=dict)

    @property
    def is_over_limit(self) -> bool:
        return self.pairs > self.max_pairs

    def forgotten(self) -> Iterator[str]:
        """Let go of what was found bit by bit; at once it would take as long as five pieces."""
        while self.batches:
            del self.batches[-_BATCHES_AT_ONCE:]
            yield ""


def survey_of(snapshot: Snapshot, max_pairs: int, former: Past) -> Generator[str, None, Survey]:
    """Return what is known, looked at once; each yield, of no text, is a turn for others.

    The changes of the `former` survey are not read again.
    """
    survey, shown = Survey(snapshot, max_pairs), Changes(snapshot, former)
    for part in _parts(snapshot, shown):
        changes = [change for _, change in part]
        domains = [domain for domain, _ in part]
        said = said_of(snapshot, domains, with_ttls=not survey.is_over_limit)
        survey.batches.append(
            [_seen(*one, change, survey) for one, change in zip(said, changes, strict=True)]
        )
        yield ""
    survey.past = shown.past
    yield from _count(survey)
    return survey


def _parts(
    snapshot: Snapshot, changes: Changes
) -> Iterator[list[tuple[DomainState, Shown | None]]]:
    """Yield all domains, with the changes to be shown, as many as a batch has."""
    part, size = list[tuple[DomainState, Shown | None]](), 0
    # Not sorted: nobody who reads metrics needs that, and it costs as much as a family.
    for domain in tuple(snapshot.state.domains.values()):
        shown = changes.of(domain)
        part.append((domain, shown))
        size += _PAIRS_PER_DOMAIN + len(snapshot.resolvers)
        if shown is not None:
            size += _PAIRS_PER_TRACK * len(shown.change.tracks)
        if size >= _PAIRS_AT_ONCE:
            yield part
            part, size = [], 0
    yield part


def _seen(
    domain: DomainState, said: Said, ttls: Ttls, shown: Shown | None, survey: Survey
) -> Seen:
    snapshot = survey.snapshot
    row = survey.rows.get(said)
    if row is None:
        row = survey.rows[said] = _row(said, snapshot.weights)
    row.domains += 1
    survey.pairs += len(row.resolvers)
    name = escaped(domain.domain.text)
    bucket = escaped(domain.binding.bucket) if domain.binding else ""
    place = f'bucket="{bucket}",domain="{name}"'
    change, instants = shown or (None, _NONE)
    propagation = authority = coverage = None
    if domain.watched:
        propagation, authority, coverage = row.ratio, authority_ratio(domain), row.coverage
        if change is not None and change.is_pending:
            propagation = change.progress(snapshot.at, snapshot.weights)
    return Seen(domain, name, place, row, ttls, change, instants, propagation, authority, coverage)


_NONE: Mapping[str, datetime] = {}


def _row(said: Said, weights: Mapping[str, float]) -> Row:
    resolvers, _, effects = said
    weighed = [weights[resolver] for resolver in resolvers]
    asked, in_effect = sum(weighed), sum(compress(weighed, effects))
    answering = sum(compress(weighed, [effect is not None for effect in effects]))
    coverage = answering / asked if asked else None
    return Row(*said, coverage, in_effect / answering if answering else None)


def _count(survey: Survey) -> Iterator[str]:
    """Count each resolver's verdicts, and let go of what is not needed any more."""
    size = 0
    while survey.rows:
        _, row = survey.rows.popitem()
        for resolver, verdict in zip(row.resolvers, row.verdicts, strict=True):
            survey.said[resolver][verdict] += row.domains
        size += _PAIRS_PER_DOMAIN + len(row.resolvers)
        if size >= _PAIRS_AT_ONCE:
            size = 0
            yield ""
