"""What each resolver says of each domain: the families that grow with the product of both.

A row's lines differ between its domains in the names alone, but for the TTLs. So each row has a
form, what stands between the names, and a domain's lines are one `str.join`, however many.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from monitor.core.verdict import VerdictKind
from monitor.entrypoints.series.labels import escaped
from monitor.entrypoints.series.survey import Row, Survey
from monitor.entrypoints.series.writing import Family

_FORMS = 128  # are kept while a family is written: with a thousand resolvers one has 0.1 MB


def _in_effect(name: str, survey: Survey) -> Iterator[str]:
    ends = {
        r.name: [f',resolver="{escaped(r.name)}"}} {value}\n' for value in (0, 1)]
        for r in survey.snapshot.resolvers
    }

    @lru_cache(_FORMS)
    def form(row: Row) -> Sequence[str]:
        each = zip(row.resolvers, row.effects, strict=True)
        return _form(
            f"{name}{{", [ends[server][effect] for server, effect in each if effect is not None]
        )

    for batch in survey.batches:
        yield "".join([seen.place.join(form(seen.row)) for seen in batch])


def _verdict(name: str, survey: Survey) -> Iterator[str]:
    labels = {r.name: f'",resolver="{escaped(r.name)}"' for r in survey.snapshot.resolvers}
    ends = {kind.value: f',verdict="{kind.value}"}} 1\n' for kind in VerdictKind}

    @lru_cache(_FORMS)
    def form(row: Row) -> Sequence[str]:
        each = zip(row.resolvers, row.verdicts, strict=True)
        return _form(
            f'{name}{{domain="', [labels[server] + ends[verdict] for server, verdict in each]
        )

    for batch in survey.batches:
        yield "".join([seen.name.join(form(seen.row)) for seen in batch])


def _ttl(name: str, survey: Survey) -> Iterator[str]:
    labels = {r.name: f'",resolver="{escaped(r.name)}"}} ' for r in survey.snapshot.resolvers}

    @lru_cache(_FORMS)
    def ends(row: Row) -> Sequence[str]:
        return [labels[server] for server in row.resolvers]

    for batch in survey.batches:
        blocks = []
        for seen in batch:
            start = f'{name}{{domain="{seen.name}'
            each = zip(ends(seen.row), seen.ttls, strict=True)
            lines = [f"{end}{ttl}\n" for end, ttl in each if ttl is not None]
            blocks.append(start.join(["", *lines]))
        yield "".join(blocks)


def _form(start: str, ends: Sequence[str]) -> Sequence[str]:
    """Return what stands before, between and behind the mentions of a domain in its lines."""
    return (start, *(end + start for end in ends[:-1]), ends[-1]) if ends else ("",)


PAIRS = (
    Family(
        "oss_cname_in_effect",
        "1 where the resolver's answer reaches the target, 0 where it does not.",
        _in_effect,
    ),
    Family("oss_cname_verdict", "1 for what the resolver's newest answer means.", _verdict),
    Family(
        "oss_cname_answer_ttl_seconds",
        "Time to live of the domain's own record, as the resolver showed it.",
        _ttl,
    ),
)
