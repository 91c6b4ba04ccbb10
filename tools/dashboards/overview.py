"""What is broken now, which changes are under way, and whether the monitor sees enough."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards.frame import ACCOUNT, BUCKET, CHANGE, DOMAIN, OVERVIEW, Board, way_to
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
    timeline,
)
from tools.dashboards.words import (
    BLUE,
    CHANGES,
    FAULTS,
    GREY,
    OPEN,
    ORANGE,
    PENDING,
    PLANNED,
    REACHING,
    SKY,
    STATUSES,
    UNUSABLE,
    UP_OR_DOWN,
    VERMILION,
    either,
)

_JOB = 'job="$job"'
_CHOSEN = f'{_JOB},account=~"$account",bucket=~"$bucket"'
_STATUS = f"oss_cname_domain_status{{{_CHOSEN}}}"
_OPEN = f'(oss_cname_change_state{{{_JOB},state=~"{either(OPEN)}"}} and on (domain) {_STATUS})'
# Nought where there is none; nothing at all, rather than "all is well", while nobody is scraped.
_NONE = f"sum(up{{{_JOB}}} == 1) * 0"
_COVERED = Look("percentunit", VERMILION, {0.5: ORANGE, 0.9: BLUE}, decimals=0, low=0, high=1)
_AGE = Look("s", steps={1800: ORANGE, 3600: VERMILION}, low=0, nothing="no account")
_TO_DOMAIN = way_to(DOMAIN, "Who says what of this domain")
_TO_CHANGE = way_to(CHANGE, "Who is late, and until when")


def board() -> Board:
    """Return the dashboard to begin with."""
    return Board(
        uid=OVERVIEW,
        title="OSS CNAME / Overview",
        description="Does everybody reach the buckets through their own domains? Begin here.",
        since="now-6h",
        choices=(ACCOUNT, BUCKET),
        sections=(
            ("Now", (*_statuses(), *_signs())),
            ("What is wrong", _wrong()),
            ("Open changes", (_changes(),)),
            ("Over time", _over_time()),
            ("Resolvers", _resolvers()),
            ("Inventory", _inventory()),
        ),
    )


def _statuses() -> Sequence[stat.Panel]:
    return (
        _domains(
            "broken",
            VERMILION,
            "No resolver that answers reaches the target. Look at the "
            "table below at once: the verdicts on the domain's dashboard say what to mend.",
        ),
        _domains(
            "partial",
            ORANGE,
            "Some resolvers reach the target, some do not, and not "
            "because of a fresh change. Open the domain: which resolvers, and since when?",
        ),
        _domains(
            "unknown",
            GREY,
            "Too few resolvers answer to tell. Look at the resolvers "
            "below and at the monitor's own network before you look at the domain.",
        ),
        _domains(
            "propagating",
            SKY,
            "Every authority serves the right target, and caches follow. "
            "Wait; the table of open changes says until when.",
        ),
        _domains("in_effect", BLUE, "Everybody who answers reaches the target. Nothing to do."),
        _domains(
            "paused",
            GREY,
            "Not asked: a wildcard, or bound to two buckets. The faults below name them.",
        ),
    )


def _domains(status: str, colour: str, description: str) -> stat.Panel:
    where = f'{_CHOSEN},status="{status}"'
    return number(
        About(f"Domains {STATUSES[status].text}", description),
        Query(f"sum(oss_cname_domain_status{{{where}}}) or {_NONE}"),
        Look("short", base=BLUE, steps={1: colour}, decimals=0, low=0),
        is_filled=status in {"broken", "partial"},
    )


def _signs() -> Sequence[stat.Panel]:
    eta = f"oss_cname_change_eta_timestamp_seconds{{{_JOB}}}"
    pending = f'oss_cname_change_state{{{_JOB},state=~"{either(PENDING)}"}}'
    loaded = f'oss_cname_inventory_last_success_timestamp_seconds{{{_JOB},account=~"$account"}}'
    return (
        number(
            About(
                "Open changes",
                "Changes that are not over. The table below says how far they "
                "are and when the last old copy expires.",
            ),
            Query(f"count({_OPEN}) or {_NONE}"),
            COUNT,
            is_filled=False,
        ),
        number(
            About(
                "Past their ETA",
                "Changes whose last known old copy should have expired, while "
                "somebody still has it. Open the change: which resolver, and in which state?",
            ),
            Query(f"count((time() - {eta} > 60) and on (domain) {pending}) or {_NONE}"),
            Look("short", steps={1: ORANGE}, decimals=0, low=0),
        ),
        number(
            About(
                "Coverage",
                "Mean share of the resolvers that answer. What is not covered is "
                "not known, good or bad. Below 90 %: look at the resolvers below.",
            ),
            Query(f"avg(oss_cname_coverage_ratio{{{_JOB}}} and on (domain) {_STATUS})"),
            _COVERED,
        ),
        number(
            About(
                "Resolvers down",
                "Resolvers whose last replies hold no answer at all. Check "
                "the way from the monitor to them, or take them out of the configuration.",
            ),
            Query(f"count(oss_cname_resolver_up{{{_JOB}}} == 0) or {_NONE}"),
            Look("short", steps={1: ORANGE}, decimals=0, low=0),
        ),
        number(
            About(
                "Inventory age",
                "Since the account that is the most behind was last read "
                "completely. Above half an hour new bindings are missed: look at the errors "
                "below, then at credentials and permissions.",
            ),
            Query(f"time() - min({loaded})"),
            _AGE,
        ),
        number(
            About(
                "Monitor",
                "Whether Prometheus reaches the monitor. If it is down, all that is "
                "shown here is old.",
            ),
            Query(f"max(up{{{_JOB}}})"),
            Look(words=UP_OR_DOWN, nothing="not scraped"),
        ),
    )


def _wrong() -> Sequence[Builder[Panel]]:
    wrong = f'oss_cname_domain_status{{{_CHOSEN},status=~"broken|partial|unknown"}}'

    def share(metric: str) -> str:
        return f"max by (domain) (oss_cname_{metric}_ratio{{{_JOB}}} and on (domain) {wrong})"

    planned = (
        f"max by (domain) (oss_cname_domain_in_maintenance{{{_JOB}}} and on (domain) {wrong})"
    )
    return (
        rows(
            About(
                "Not in effect",
                "Domains that somebody does not reach, the worst first. Click "
                "one to see which resolver says what. If the authorities are not at 100 %, the "
                "record at the DNS provider is wrong; if they are, caches or resolvers are.",
                wide=15,
                high=10,
            ),
            (
                Column("", f"max by (domain, bucket, account, status) ({wrong})"),
                Column("Domain", label="domain", link=_TO_DOMAIN),
                Column(
                    "Status",
                    label="status",
                    look=Look(words=STATUSES),
                    cell="color-background",
                    wide=130,
                ),
                Column("Resolvers that reach it", share("propagation"), look=RATIO, cell="gauge"),
                Column("Authorities right", share("authority"), look=RATIO, wide=130),
                Column("Coverage", share("coverage"), look=RATIO, wide=90),
                Column("Maintenance", planned, look=Look(words=PLANNED), wide=110),
                Column("Bucket", label="bucket"),
                Column("Account", label="account"),
            ),
            key="domain",
            nothing="none, if the monitor is up",
            sort=("Resolvers that reach it", False),
        ),
        rows(
            About(
                "Faults",
                "What is wrong besides what resolvers answer. Authorities that differ: "
                "mend the one that is behind. Delegation: mend it at the registrar. Binding: "
                "mend it in OSS. A certificate: renew it before its end.",
                wide=9,
                high=10,
            ),
            (
                Column(
                    "",
                    f"max by (domain, fault) (oss_cname_domain_fault{{{_JOB}}} "
                    f"and on (domain) {_STATUS})",
                ),
                Column("Domain", label="domain", link=_TO_DOMAIN),
                Column("Fault", label="fault", look=Look(words=FAULTS), cell="color-background"),
            ),
            key="domain",
            nothing="none, if the monitor is up",
            sort=("Fault", False),
        ),
    )


def _changes() -> Builder[Panel]:
    def instant(key: str) -> str:
        metric = f"oss_cname_change_{key}_timestamp_seconds{{{_JOB}}}"
        return f"max by (domain) ({metric} and on (domain) {_OPEN})"

    def left(key: str) -> str:
        return f"{instant(key)} - time()"

    progress = f"oss_cname_propagation_ratio{{{_JOB}}} and on (domain) {_OPEN}"
    return rows(
        About(
            "Open changes",
            "How far each change is. ETA: the last old copy that is known "
            "expires; empty where a resolver's TTLs do not tell. Deadline: the window is over. "
            "Past its ETA and not converged: click it and see who is late. Authorities differ: "
            "mend the authority that is behind; caches cannot follow before.",
            wide=24,
            high=8,
        ),
        (
            Column("", f"max by (domain, state) {_OPEN}"),
            Column("Domain", label="domain", link=_TO_CHANGE),
            Column(
                "State", label="state", look=Look(words=CHANGES), cell="color-background", wide=180
            ),
            Column("New by now", f"max by (domain) ({progress})", look=RATIO, cell="gauge"),
            Column("ETA", f"{instant('eta')} * 1000", look=INSTANT),
            Column("ETA in", left("eta"), look=COUNTDOWN, cell="color-text"),
            Column("Deadline", f"{instant('deadline')} * 1000", look=INSTANT),
            Column("Deadline in", left("deadline"), look=COUNTDOWN, cell="color-text"),
            Column("Detected", f"{instant('detected')} * 1000", look=INSTANT),
        ),
        key="domain",
        nothing="none, if the monitor is up",
        sort=("Deadline", False),
    )


def _over_time() -> Sequence[Builder[Panel]]:
    coverage = f"oss_cname_coverage_ratio{{{_JOB}}}"
    return (
        # Each point costs Prometheus a sample of each domain.
        lines(
            About(
                "Domains by status",
                "Where all domains stand. A step of many domains at once is "
                "seldom the domains' own: look at resolvers and monitor first.",
                12,
                9,
            ),
            [Query(f"sum by (status) ({_STATUS})", "{{status}}")],
            COUNT,
            words=STATUSES,
            is_stacked=True,
        ).max_data_points(200),
        lines(
            About(
                "Coverage",
                "Share of the resolvers that answer, over all domains: the mean and "
                "the worst. When it falls, statuses become unknown, never broken.",
                12,
                9,
            ),
            [Query(f"avg({coverage})", "mean"), Query(f"min({coverage})", "worst domain")],
            RATIO,
        ).max_data_points(200),
    )


def _resolvers() -> Sequence[Builder[Panel]]:
    def share(verdicts: Sequence[str]) -> str:
        said = f'oss_cname_resolver_verdicts{{{_JOB},verdict=~"{either(verdicts)}"}}'
        asked = f"sum by (resolver) (oss_cname_resolver_verdicts{{{_JOB}}})"
        return f"sum by (resolver) ({said}) / {asked}"

    up = f"oss_cname_resolver_up{{{_JOB}}}"
    rtts = f"oss_cname_probe_duration_seconds_bucket{{{_JOB}}}"
    rate = f"sum by (resolver, le) (rate({rtts}[$__rate_interval]))"
    quantile = f"histogram_quantile(0.9, {rate}) and on (resolver) {up}"
    return (
        timeline(
            About(
                "Resolvers that answer",
                "Down: the last replies hold no answer at all. All of "
                "them at once: the monitor's own network. One: that resolver, or the way to it.",
                12,
                9,
            ),
            [Query(f"max by (resolver) ({up})", "{{resolver}}")],
            Look(words=UP_OR_DOWN),
        ),
        rows(
            About(
                "What resolvers say",
                "The share of domains for which a resolver's newest answer "
                "reaches the target, and of which it says nothing usable. One that differs from "
                "its group is overridden, intercepted or ill.",
                12,
                9,
            ),
            (
                Column("", f"max by (resolver, group) ({up})"),
                Column("Resolver", label="resolver"),
                Column("Group", label="group"),
                Column(
                    "State",
                    f"max by (resolver) ({up})",
                    look=Look(words=UP_OR_DOWN),
                    cell="color-background",
                    wide=90,
                ),
                Column("Reach the target", share(REACHING), look=RATIO, cell="gauge"),
                Column("No usable answer", share(UNUSABLE), look=RATIO, wide=130),
                Column("RTT, 90 %", quantile, look=SECONDS, wide=110),
            ),
            key="resolver",
            nothing="no resolver was asked yet",
            sort=("Reach the target", False),
        ),
    )


def _inventory() -> Sequence[Builder[Panel]]:
    of_account = f'{_JOB},account=~"$account"'
    loaded = f"oss_cname_inventory_last_success_timestamp_seconds{{{of_account}}}"
    errors = f"oss_cname_inventory_errors_total{{{of_account}}}"
    return (
        lines(
            About(
                "Bindings",
                "Domains that each account shows. A sudden fall is a change in OSS, "
                "never an error of reading: what cannot be read stays as it was known.",
                8,
                8,
            ),
            [
                Query(
                    f"max by (account) (oss_cname_inventory_bindings{{{of_account}}})",
                    "{{account}}",
                )
            ],
            COUNT,
        ),
        lines(
            About(
                "Age",
                "Since each account was last read completely. It is a saw of the refresh "
                "interval; a line that keeps on rising is an account that cannot be read.",
                8,
                8,
            ),
            [Query(f"time() - max by (account) ({loaded})", "{{account}}")],
            _AGE,
        ),
        lines(
            About(
                "Errors",
                "What could not be read, by reason; empty is well. Denied: the policy of "
                "the access key lacks a permission. Unreachable: network or endpoint.",
                8,
                8,
            ),
            [
                Query(
                    f"sum by (account, reason) (increase({errors}[$__rate_interval])) > 0",
                    "{{account}} {{reason}}",
                )
            ],
            COUNT,
        ),
    )
