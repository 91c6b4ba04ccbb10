"""One domain: who says what of it, since when, and what happened to it."""

from collections.abc import Sequence

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards.frame import ACCOUNT, BUCKET, CHANGE, DOMAIN, RESOLVER, Board, Choice, way_to
from tools.dashboards.marks import changes_of
from tools.dashboards.panels import (
    COUNT,
    RATIO,
    SECONDS,
    About,
    Column,
    Look,
    Query,
    lines,
    number,
    rows,
    state_look,
    states,
    timeline,
)
from tools.dashboards.words import (
    BLUE,
    CHANGES,
    FAULTS,
    ORANGE,
    PAIR_SERIES,
    PRESENT,
    STATUSES,
    VERDICTS,
    VERMILION,
    coded,
)

_DOMAIN = 'job="$job",domain="$domain"'
_PAIR = f'{_DOMAIN},resolver=~"$resolver"'
_ABOVE = (
    " Above `[daemon] max_exported_pairs` pairs there are no series of single resolvers: then "
    "this is empty, *Wrong verdicts* counts what they say, and the domain's page in the monitor "
    "and `explain` show the same as this."
)
_LEFT_OUT = "no answer yet, or above max_exported_pairs"
_SHARE = Look("percentunit", VERMILION, {0.5: ORANGE, 1: BLUE}, decimals=0, low=0, high=1)


def board() -> Board:
    """Return the dashboard of one domain."""
    chosen = 'job="$job",account=~"$account",bucket=~"$bucket"'
    return Board(
        uid=DOMAIN,
        title="OSS CNAME / Domain",
        description="Who says what of one domain, since when, and what happened to it.",
        since="now-24h",
        choices=(
            ACCOUNT,
            BUCKET,
            Choice("domain", "Domain", "oss_cname_domain_status", chosen, has_all=False),
            RESOLVER,
        ),
        sections=(
            ("Now", _now()),
            ("Who says what", (_verdicts(), _counted(), *_answers())),
            ("Over time", _over_time()),
        ),
        annotations=(changes_of("$domain"),),
    )


def _now() -> Sequence[Builder[Panel]]:
    status = coded("oss_cname_domain_status", "status", STATUSES, where=_DOMAIN, by="domain")
    change = coded("oss_cname_change_state", "state", CHANGES, where=_DOMAIN, by="domain")
    return (
        number(
            About(
                "Status",
                "Where the domain stands over all resolvers that answer. Broken or "
                "partial: see below who says what. Unknown: too few answer.",
            ),
            Query(status),
            state_look(STATUSES, nothing="not watched"),
        ),
        number(
            About(
                "Resolvers that reach it",
                "Share of the answering resolvers that reach the "
                "target; while a change is under way, the share of answers that are new.",
            ),
            Query(f"max(oss_cname_propagation_ratio{{{_DOMAIN}}})"),
            _SHARE,
        ),
        number(
            About(
                "Authorities right",
                "Share of the answering name servers of the zone that name "
                "the target. Below 100 %: mend the record at the DNS provider; no cache can "
                "be right before.",
            ),
            Query(f"max(oss_cname_authority_ratio{{{_DOMAIN}}})"),
            _SHARE,
        ),
        number(
            About(
                "Coverage",
                "Share of the resolvers that answer. What is not covered is not "
                "known: it is neither good nor bad.",
            ),
            Query(f"max(oss_cname_coverage_ratio{{{_DOMAIN}}})"),
            _SHARE,
        ),
        number(
            About(
                "Change",
                "Where the domain's newest change stands; while it is open, and for a "
                "day after. The dashboard Change says who is late, and until when.",
            ),
            Query(change),
            state_look(CHANGES, nothing="none"),
        ),
        number(
            About(
                "Series of resolvers",
                "Left out: there are more pairs of domain and resolver "
                "than `[daemon] max_exported_pairs`, and panels of single resolvers are empty. "
                "Raise it if Prometheus can bear the series.",
            ),
            Query('max(oss_cname_pair_series_limit_reached{job="$job"})'),
            Look(words=PAIR_SERIES),
            is_filled=False,
        ),
    )


def _verdicts() -> Builder[Panel]:
    return states(
        About(
            "Verdict of each resolver",
            "What each resolver's answer means, over time. Other "
            "bucket or endpoint: the record names another target. Internal endpoint: nobody "
            "outside Alibaba Cloud reaches it. No such name or record: the record is gone. "
            "What begins with a question mark is no answer and counts for nothing." + _ABOVE,
            15,
            11,
        ),
        "oss_cname_verdict",
        "verdict",
        VERDICTS,
        where=_PAIR,
        by="resolver",
    )


def _counted() -> Builder[Panel]:
    verdicts = f"max by (verdict) (oss_cname_domain_verdicts{{{_DOMAIN}}})"
    return lines(
        About(
            "Wrong verdicts",
            "How many resolvers say what does not reach the target, by what they say; empty "
            "while all that answer reach it. It is there whatever the number of pairs, and takes "
            "all resolvers, whichever are chosen. Who says it: beside this, or `explain`.",
            9,
            11,
        ),
        [Query(verdicts, "{{verdict}}")],
        COUNT,
        words=VERDICTS,
        is_stacked=True,
    )


def _answers() -> Sequence[Builder[Panel]]:
    ttl = f"max by (resolver) (oss_cname_answer_ttl_seconds{{{_PAIR}}})"
    return (
        rows(
            About(
                "Newest answers",
                "The same of now, with the time to live that the resolver "
                "showed for the domain's own record." + _ABOVE,
                wide=14,
                high=9,
            ),
            (
                Column("", f"max by (resolver, verdict) (oss_cname_verdict{{{_PAIR}}})"),
                Column("Resolver", label="resolver"),
                Column(
                    "Verdict", label="verdict", look=Look(words=VERDICTS), cell="color-background"
                ),
                Column("TTL", ttl, look=SECONDS),
            ),
            key="resolver",
            nothing=_LEFT_OUT,
            sort=("Verdict", False),
        ),
        rows(
            About(
                "Faults now",
                "What is wrong besides what resolvers answer. Authorities that "
                "differ: mend the one that is behind. Delegation: mend it at the registrar. "
                "Binding: mend it in OSS. A certificate: renew it before its end.",
                wide=10,
                high=9,
            ),
            (
                Column("", f"max by (domain, fault) (oss_cname_domain_fault{{{_DOMAIN}}})"),
                Column("Domain", label="domain", link=way_to(CHANGE, "Its change")),
                Column("Fault", label="fault", look=Look(words=FAULTS), cell="color-background"),
            ),
            key="domain",
            nothing="no fault",
            sort=("Fault", False),
        ),
    )


def _over_time() -> Sequence[Builder[Panel]]:
    ttl = f"max by (resolver) (oss_cname_answer_ttl_seconds{{{_PAIR}}})"

    def ratio(metric: str, legend: str) -> Query:
        return Query(f"max(oss_cname_{metric}_ratio{{{_DOMAIN}}})", legend)

    return (
        states(
            About(
                "Status",
                "Where the domain stood. It follows the verdicts after some rounds "
                "(`[alerting] fail_after`), so that one bad round is no alarm.",
                12,
                5,
            ),
            "oss_cname_domain_status",
            "status",
            STATUSES,
            where=_DOMAIN,
            by="domain",
        ),
        states(
            About("Change", "Where its newest change stood; empty while there is none.", 12, 5),
            "oss_cname_change_state",
            "state",
            CHANGES,
            where=_DOMAIN,
            by="domain",
        ),
        lines(
            About(
                "Shares",
                "Authorities first: they are what caches follow. If they are at 100 % "
                "and the resolvers are not, only time or an operator of a resolver helps.",
                12,
                9,
            ),
            [
                ratio("propagation", "resolvers that reach it"),
                ratio("authority", "authorities right"),
                ratio("coverage", "coverage"),
            ],
            RATIO,
        ),
        lines(
            About(
                "TTLs",
                "Time to live that each resolver showed. A cache counts down from the "
                "published TTL; a flat line is an authority, an override, or a cache that "
                "answers with a TTL of its own." + _ABOVE,
                12,
                9,
            ),
            [Query(ttl, "{{resolver}}")],
            SECONDS,
        ),
        timeline(
            About(
                "Faults", "Which faults the domain had, and when; empty while it has none.", 24, 5
            ),
            [Query(f"max by (fault) (oss_cname_domain_fault{{{_DOMAIN}}})", "{{fault}}")],
            Look(words=PRESENT),
        ),
    )
