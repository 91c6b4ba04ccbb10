"""One change: how far it is, who is late, and until when."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards.frame import CHANGE, DOMAIN, RESOLVER, Board, Choice, way_to
from tools.dashboards.marks import changes_of
from tools.dashboards.panels import (
    COUNT,
    COUNTDOWN,
    INSTANT,
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
)
from tools.dashboards.words import (
    BLUE,
    CHANGES,
    LATE,
    ORANGE,
    REASONS,
    TRACKS,
    VERDICTS,
    VERMILION,
    coded,
    either,
)

_JOB = 'job="$job"'
_DOMAIN = f'{_JOB},domain="$domain"'
_PAIR = f'{_DOMAIN},resolver=~"$resolver"'
_SHARE = Look("percentunit", VERMILION, {0.5: ORANGE, 1: BLUE}, decimals=0, low=0, high=1)
_INSTANTS = {
    "ETA": (
        "eta",
        (
            "When the last old copy that is known expires, or did. Empty where a resolver's "
            "TTLs do not tell: then the bound is what holds."
        ),
    ),
    "Bound": (
        "bound",
        (
            "When every cache that keeps to the TTL has forgotten the old value. Empty "
            "while an authority serves it: mend that authority."
        ),
    ),
    "Deadline": (
        "deadline",
        (
            "When the window is over. What is late then is not waited for any "
            "more: one notice names it."
        ),
    ),
}


def board() -> Board:
    """Return the dashboard of one domain's change."""
    return Board(
        uid=CHANGE,
        title="OSS CNAME / Change",
        description="How far a change is, who is late, and until when.",
        since="now-3d",  # the vendor's window
        choices=(
            Choice("domain", "Domain", "oss_cname_change_state", has_all=False),
            RESOLVER,
        ),
        sections=(
            ("Now", (*_now(), *_instants())),
            ("Who is late", (_late(), _tracks())),
            ("Progress", _progress()),
            ("All changes", _all()),
        ),
        annotations=(changes_of("$domain"),),
    )


def _now() -> Sequence[stat.Panel]:
    state = coded("oss_cname_change_state", "state", CHANGES, where=_DOMAIN, by="domain")

    def ratio(metric: str) -> Query:
        return Query(f"max(oss_cname_{metric}_ratio{{{_DOMAIN}}})")

    detected = f"max(oss_cname_change_detected_timestamp_seconds{{{_DOMAIN}}})"
    return (
        number(
            About(
                "State",
                "Authorities differ: mend the one that is behind. Propagating: caches "
                "follow. Converged: all who answer have it; settled: so after the bound too. "
                "Expired: the window is over, read the report of the change.",
                6,
            ),
            Query(state),
            state_look(CHANGES, nothing="no change"),
        ),
        number(
            About(
                "New by now",
                "Share of the answers that are new; once the change is over, of "
                "the resolvers that reach the target.",
                6,
            ),
            ratio("propagation"),
            _SHARE,
        ),
        number(
            About(
                "Authorities right",
                "Share of the answering name servers that serve the new "
                "value. Below 100 % no cache can be sure to follow.",
                4,
            ),
            ratio("authority"),
            _SHARE,
        ),
        number(
            About(
                "Coverage",
                "Share of the resolvers that answer. The others were never "
                "verified: neither old nor new.",
                4,
            ),
            ratio("coverage"),
            _SHARE,
        ),
        number(
            About("Detected", "When an authority was first seen with the new value.", 4),
            Query(f"{detected} * 1000"),
            INSTANT,
            is_filled=False,
        ),
    )


def _instants() -> Sequence[stat.Panel]:
    found = []
    for title, (key, description) in _INSTANTS.items():
        at = f"max(oss_cname_change_{key}_timestamp_seconds{{{_DOMAIN}}})"
        when = Look("dateTimeAsIso", nothing="nobody can say")
        left = Look(COUNTDOWN.unit, COUNTDOWN.base, COUNTDOWN.steps, nothing="nobody can say")
        found += [
            number(About(title, description), Query(f"{at} * 1000"), when, is_filled=False),
            number(
                About(f"{title} in", description), Query(f"{at} - time()"), left, is_filled=False
            ),
        ]
    return found


def _late() -> Builder[Panel]:
    late = f'oss_cname_track_state{{{_PAIR},state=~"{either((*LATE, "unreachable", "unknown"))}"}}'
    until = f"max by (resolver) (oss_cname_track_eta_timestamp_seconds{{{_PAIR}}})"
    why = f"max by (resolver, reason) (oss_cname_track_reason{{{_PAIR}}} and on (resolver) {late})"
    verdict = f"max by (resolver, verdict) (oss_cname_verdict{{{_PAIR}}} and on (resolver) {late})"
    ttl = f"max by (resolver) (oss_cname_answer_ttl_seconds{{{_PAIR}}} and on (resolver) {late})"
    return rows(
        About(
            "Who is not new yet",
            "Resolvers that may still have the old value, and until when; "
            "empty where nobody can say. Old, expiry known: wait until then. Old for too long, "
            "old again, to and fro: ask the resolver's operator for a flush; `explain` and the "
            "change's page give the evidence. Unreachable: neither old nor new. Newest answer and "
            "TTL are empty above `[daemon] max_exported_pairs`.",
            24,
            9,
        ),
        (
            Column("", f"max by (domain, resolver, state) ({late})"),
            Column("Resolver", label="resolver"),
            Column("State", label="state", look=Look(words=TRACKS), cell="color-background"),
            Column("", why),
            Column("Why", label="reason", look=Look(words=REASONS)),
            Column("Old until", f"{until} * 1000", look=INSTANT),
            Column("That is in", f"{until} - time()", look=COUNTDOWN, cell="color-text"),
            Column("", verdict),
            Column("Newest answer", label="verdict", look=Look(words=VERDICTS)),
            Column("Its TTL", ttl, look=SECONDS),
            Column("Domain", label="domain", link=way_to(DOMAIN, "Who says what of this domain")),
        ),
        key="resolver",
        nothing="everybody is new",
        sort=("Old until", True),
    )


def _tracks() -> Builder[Panel]:
    return states(
        About(
            "State of each resolver",
            "How each resolver went through the change; its bar ends "
            "when it has settled. These series stay above `[daemon] max_exported_pairs`.",
            24,
            10,
        ),
        "oss_cname_track_state",
        "state",
        TRACKS,
        where=_PAIR,
        by="resolver",
    )


def _progress() -> Sequence[Builder[Panel]]:
    def at(key: str) -> str:
        return f"max(oss_cname_change_{key}_timestamp_seconds{{{_DOMAIN}}})"

    def ratio(metric: str, legend: str) -> Query:
        return Query(f"max(oss_cname_{metric}_ratio{{{_DOMAIN}}})", legend)

    def passed(key: str) -> str:
        gone = f"(time() - {at('detected')}) / ({at(key)} - {at('detected')})"
        return f"clamp({gone}, 0, 1)"

    return (
        lines(
            About(
                "Progress against time",
                "What is new by now, beside the share of the time to "
                "ETA, bound and deadline that has passed. A line of time at 100 % above one of "
                "progress below it: somebody is late.",
                12,
                10,
            ),
            [
                ratio("propagation", "new by now"),
                Query(passed("eta"), "time to the ETA"),
                Query(passed("bound"), "time to the bound"),
                Query(passed("deadline"), "time to the deadline"),
            ],
            RATIO,
        ),
        lines(
            About(
                "Time left",
                "Until ETA, bound and deadline; below zero it is past. A step up of "
                "the ETA: an older copy was found behind a resolver.",
                12,
                10,
            ),
            [
                Query(f"{at('eta')} - time()", "ETA"),
                Query(f"{at('bound')} - time()", "bound"),
                Query(f"{at('deadline')} - time()", "deadline"),
            ],
            Look("dtdurations", base=VERMILION, steps={0: BLUE}),
        ),
        lines(
            About(
                "Authorities and coverage",
                "The two conditions of all progress: every authority "
                "serves the new value, and resolvers answer.",
                12,
                9,
            ),
            [ratio("authority", "authorities right"), ratio("coverage", "coverage")],
            RATIO,
        ),
        lines(
            About(
                "Resolvers by state",
                "How many stand where; those that have settled are not counted any more.",
                12,
                9,
            ),
            [Query(f"sum by (state) (oss_cname_track_state{{{_PAIR}}})", "{{state}}")],
            COUNT,
            words=TRACKS,
            is_stacked=True,
        ),
    )


def _all() -> Sequence[Builder[Panel]]:
    seconds = f"oss_cname_propagation_duration_seconds_bucket{{{_JOB}}}"

    def quantile(q: float) -> str:
        # Where none converged it is NaN, and compares to nothing.
        return f"histogram_quantile({q:g}, sum by (le) (increase({seconds}[$__range]))) >= 0"

    return (
        lines(
            About(
                "Changes seen",
                "New changes of all domains, by kind. Many at once that nobody "
                "announced: ask who edits the zones.",
                12,
                8,
            ),
            [
                Query(
                    "sum by (kind) (increase(oss_cname_changes_total"
                    f"{{{_JOB}}}[$__rate_interval]))",
                    "{{kind}}",
                )
            ],
            COUNT,
        ),
        number(
            About(
                "Half converge within",
                "Median time from first sight to convergence, of the "
                "changes that converged in the range shown. It follows from the TTLs that "
                "records have before they are changed: `plan` says which.",
                6,
                8,
            ),
            Query(quantile(0.5)),
            Look("s", nothing="none converged"),
            is_filled=False,
        ),
        number(
            About(
                "Nine of ten within", "The same, for nine of ten. Plan moves by this number.", 6, 8
            ),
            Query(quantile(0.9)),
            Look("s", nothing="none converged"),
            is_filled=False,
        ),
    )
