"""What each domain is: the families that grow with the domains alone."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter

from monitor.core.status import DomainStatus
from monitor.entrypoints.series.labels import escaped, labelled
from monitor.entrypoints.series.survey import Row, Seen, Survey
from monitor.entrypoints.series.writing import Family

_FORMS = 128  # are kept while the wrong verdicts are written


def _status(name: str, survey: Survey) -> Iterator[str]:
    ends = {status: f',status="{status.value}"}} 1\n' for status in DomainStatus}

    def line(seen: Seen) -> str:
        binding = seen.domain.binding
        account = escaped(binding.account) if binding else ""
        return f'{name}{{account="{account}",{seen.place}{ends[seen.domain.status.value]}'

    for batch in survey.batches:
        yield "".join([line(seen) for seen in batch])


def _fault(name: str, survey: Survey) -> Iterator[str]:
    for batch in survey.batches:
        yield "".join(
            [
                labelled(name, 1, domain=seen.domain.domain.text, fault=fault)
                for seen in batch
                if seen.domain.faults
                for fault in sorted(fault.value for fault in seen.domain.faults)
            ]
        )


def _verdicts(name: str, survey: Survey) -> Iterator[str]:
    @lru_cache(_FORMS)
    def ends(row: Row) -> Sequence[str]:
        each = zip(row.verdicts, row.effects, strict=True)
        wrong = Counter(verdict for verdict, effect in each if effect is False)
        return [f'",verdict="{verdict}"}} {wrong[verdict]}\n' for verdict in sorted(wrong)]

    for batch in survey.batches:
        yield "".join(
            [f'{name}{{domain="{seen.name}{end}' for seen in batch for end in ends(seen.row)]
        )


def _in_maintenance(name: str, survey: Survey) -> Iterator[str]:
    for batch in survey.batches:
        yield "".join(
            [
                f'{name}{{domain="{seen.name}"}} 1\n'
                for seen in batch
                if survey.snapshot.is_in_maintenance(seen.domain)
            ]
        )


def _ratio(what: str, promise: str, ratio_of: Callable[[Seen], float | None]) -> Family:
    def parts(name: str, survey: Survey) -> Iterator[str]:
        for batch in survey.batches:
            yield "".join(
                [
                    f'{name}{{domain="{seen.name}"}} {ratio}\n'
                    for seen in batch
                    if (ratio := ratio_of(seen)) is not None
                ]
            )

    return Family(f"oss_cname_{what}_ratio", promise, parts)


DOMAINS = (
    Family("oss_cname_domain_status", "1 for where the domain stands.", _status),
    Family("oss_cname_domain_fault", "1 for each fault that the domain has.", _fault),
    Family(
        "oss_cname_domain_verdicts",
        "Resolvers whose newest answer means this, of what does not reach the target.",
        _verdicts,
    ),
    Family(
        "oss_cname_domain_in_maintenance",
        "1 while nobody is told of the domain.",
        _in_maintenance,
    ),
    _ratio(
        "propagation",
        "Share of the answers that are new while a change is under way; "
        "otherwise of the answering resolvers that reach the target.",
        attrgetter("propagation"),
    ),
    _ratio(
        "authority",
        "Share of the answering authorities that name the target.",
        attrgetter("authority"),
    ),
    _ratio("coverage", "Share of the resolvers that answer.", attrgetter("coverage")),
)
