"""What the whole is: resolvers, accounts, and how many pairs there are of domain and resolver."""

from collections.abc import Iterator

from monitor.core.servers import Resolver
from monitor.core.verdict import VerdictKind
from monitor.entrypoints.series.labels import labelled
from monitor.entrypoints.series.survey import Survey
from monitor.entrypoints.series.writing import Family

# What `judge` makes of silence; an answer can become the last two as well.
_OF_SILENCE = {
    kind.value for kind in (VerdictKind.TIMEOUT, VerdictKind.NETWORK_ERROR, VerdictKind.MALFORMED)
}


def _up(name: str, survey: Survey) -> Iterator[str]:
    for resolver in survey.snapshot.resolvers:
        if resolver.name in survey.said:
            is_up = int(_is_up(resolver, survey))
            yield labelled(name, is_up, group=resolver.group, resolver=resolver.name)


def _is_up(resolver: Resolver, survey: Survey) -> bool:
    """Tell what the snapshot tells, which looks at all domains, where verdicts are no proof."""
    said = survey.said[resolver.name].keys()
    if said - _OF_SILENCE:
        return True
    return said != {VerdictKind.TIMEOUT.value} and survey.snapshot.is_up(resolver) is True


def _verdicts(name: str, survey: Survey) -> Iterator[str]:
    for resolver in survey.snapshot.resolvers:
        if (said := survey.said.get(resolver.name)) is not None:
            yield "".join(
                [
                    labelled(name, said[word], resolver=resolver.name, verdict=word)
                    for word in [kind.value for kind in VerdictKind]
                ]
            )


def _bindings(name: str, survey: Survey) -> Iterator[str]:
    for account, inventory in sorted(survey.snapshot.state.accounts.items()):
        yield labelled(name, len(inventory.bindings), account=account)


def _last_success(name: str, survey: Survey) -> Iterator[str]:
    for account, inventory in sorted(survey.snapshot.state.accounts.items()):
        if inventory.last_success_at is not None:
            yield labelled(name, inventory.last_success_at.timestamp(), account=account)


def _pairs(name: str, survey: Survey) -> Iterator[str]:
    yield labelled(name, survey.pairs)


def _limit_reached(name: str, survey: Survey) -> Iterator[str]:
    yield labelled(name, int(survey.is_over_limit))


WHOLE = (
    Family("oss_cname_resolver_up", "1 if the resolver answered anything lately.", _up),
    Family(
        "oss_cname_resolver_verdicts",
        "Domains of which the resolver's newest answer means this.",
        _verdicts,
    ),
    Family("oss_cname_inventory_bindings", "Bindings that the account last showed.", _bindings),
    Family(
        "oss_cname_inventory_last_success_timestamp_seconds",
        "When the account was last read completely.",
        _last_success,
    ),
    Family(
        "oss_cname_pairs",
        "Pairs of a domain and a resolver that answered or was waited for in vain.",
        _pairs,
    ),
    Family(
        "oss_cname_pair_series_limit_reached",
        "1 while there are too many pairs for series of each.",
        _limit_reached,
    ),
)
