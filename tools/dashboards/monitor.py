"""The monitor itself: does it keep up, what do its questions meet, what does it cost."""

from collections.abc import Sequence

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from tools.dashboards.frame import MONITOR, Board, Choice
from tools.dashboards.panels import (
    COUNT,
    SECONDS,
    About,
    Look,
    Query,
    lines,
    number,
)
from tools.dashboards.words import (
    ORANGE,
    PAIR_SERIES,
    RELOADS,
    UP_OR_DOWN,
    VERMILION,
)

_JOB = 'job="$job"'
_RESOLVER = f'{_JOB},resolver=~"$resolver"'
_USABLE = "noerror|nxdomain"
_LAG = Look("s", steps={10: ORANGE, 60: VERMILION}, low=0)
_RATE = Look("reqps", low=0)
_SHARE = Look("percentunit", steps={0.05: ORANGE, 0.5: VERMILION}, low=0, high=1)


def board() -> Board:
    """Return the dashboard of the monitor's own work."""
    return Board(
        uid=MONITOR,
        title="OSS CNAME / Monitor",
        description="Does the monitor keep up, what do its questions meet, and what does it cost?",
        since="now-6h",
        choices=(Choice("resolver", "Resolver", "oss_cname_probes_total"),),
        sections=(
            ("Now", _now()),
            ("Does it keep up", _pace()),
            ("What its questions meet", _probes()),
            ("Round trips", _round_trips()),
            ("What it keeps and reads", _keeping()),
            ("What it costs", _costs()),
        ),
    )


def _gauge(name: str) -> Query:
    return Query(f"max(oss_cname_{name}{{{_JOB}}})")


def _rate(name: str, by: str, *, where: str = _RESOLVER) -> str:
    return f"sum by ({by}) (rate(oss_cname_{name}{{{where}}}[$__rate_interval]))"


def _now() -> Sequence[Builder[Panel]]:
    return (
        number(
            About(
                "Monitor",
                "Whether Prometheus reaches the monitor. If not: is the process up, "
                "and is its listener the one that Prometheus scrapes?",
            ),
            Query(f"max(up{{{_JOB}}})"),
            Look(words=UP_OR_DOWN, nothing="not scraped"),
        ),
        number(
            About(
                "Version",
                "What runs. Two at once: an upgrade is under way, or two monitors "
                "share a job of Prometheus.",
            ),
            Query(f"max by (version) (oss_cname_build_info{{{_JOB}}})", "{{version}}"),
            COUNT,
            is_filled=False,
        ),
        number(
            About("Up since", "When the process started. Again and again: read its log."),
            Query(f"max(process_start_time_seconds{{{_JOB}}}) * 1000"),
            Look("dateTimeFromNow"),
            is_filled=False,
        ),
        number(
            About(
                "Configuration",
                "Refused: the newest attempt to load it failed, and the one "
                "before is in force. `config check` names the place and the remedy.",
            ),
            Query(f"min(oss_cname_config_last_reload_successful{{{_JOB}}})"),
            Look(words=RELOADS),
        ),
        number(
            About("Loaded", "When a configuration was last loaded with success."),
            Query(f"max(oss_cname_config_last_reload_success_timestamp_seconds{{{_JOB}}}) * 1000"),
            Look("dateTimeFromNow"),
            is_filled=False,
        ),
        number(
            About(
                "Series of resolvers",
                "Left out: more pairs than `[daemon] max_exported_pairs`. "
                "Dashboards of single domains lose their panels of resolvers; all else stays.",
            ),
            _gauge("pair_series_limit_reached"),
            Look(words=PAIR_SERIES),
            is_filled=False,
        ),
    )


def _pace() -> Sequence[Builder[Panel]]:
    return (
        lines(
            About(
                "Rounds",
                "How long the newest full round of the resolvers took. It must stay "
                "below `[schedule] recursive_interval`: raise that, or `max_qps` of the "
                "resolvers, before it does not.",
                8,
                8,
            ),
            [Query(_gauge("round_duration_seconds").expr, "full round")],
            SECONDS,
        ),
        lines(
            About(
                "Lag",
                "How much later than planned the newest job began, or the next question "
                "of a sweep comes. Rising: too many domains for `max_qps`, `max_in_flight` or "
                "this machine's processor.",
                8,
                8,
            ),
            [Query(_gauge("schedule_lag_seconds").expr, "lag")],
            _LAG,
        ),
        lines(
            About(
                "In flight",
                "Questions without an outcome yet, those that wait for their pace "
                "included. At `[schedule] max_in_flight` the limit is what holds it back.",
                8,
                8,
            ),
            [Query(_gauge("probes_in_flight").expr, "questions")],
            COUNT,
        ),
    )


def _probes() -> Sequence[Builder[Panel]]:
    unusable = _rate("probes_total", "resolver", where=f'{_RESOLVER},outcome!~"{_USABLE}"')
    return (
        lines(
            About(
                "Questions by outcome",
                "Questions a second by response code, or by what kept an "
                "answer away. A step of timeouts at all resolvers: the monitor's own network.",
                12,
                9,
            ),
            [Query(_rate("probes_total", "outcome"), "{{outcome}}")],
            _RATE,
            is_stacked=True,
        ),
        lines(
            About(
                "Without a usable answer",
                "Share of the questions to each resolver. One at "
                "100 % is down; one between is overloaded, or limits our rate: lower its "
                "`max_qps`.",
                12,
                9,
            ),
            [Query(f"{unusable} / ({_rate('probes_total', 'resolver')} > 0)", "{{resolver}}")],
            _SHARE,
        ),
        lines(
            About(
                "Questions by resolver",
                "Questions a second to each, and to all authorities together.",
                8,
                8,
            ),
            [Query(_rate("probes_total", "resolver"), "{{resolver}}")],
            _RATE,
        ),
        lines(
            About(
                "Shed",
                "Questions about domains at rest that were not asked, since the time of "
                "their sweep was over. More than zero for long: raise `recursive_interval`, or "
                "the resolver's `max_qps` if its operator allows that.",
                8,
                8,
            ),
            [Query(_rate("probes_shed_total", "resolver"), "{{resolver}}")],
            Look("reqps", steps={0.1: ORANGE}, low=0),
        ),
        lines(
            About(
                "Datagrams that answer nothing",
                "Late: they answer a question already given up; "
                "raise `[schedule] timeout`. Stray: nobody asked; many of them are an attack, "
                "or a middlebox that answers twice.",
                8,
                8,
            ),
            [Query(_rate("unmatched_datagrams_total", "kind"), "{{kind}}")],
            Look("pps", low=0),
        ),
    )


def _round_trips() -> Sequence[Builder[Panel]]:
    buckets = "probe_duration_seconds_bucket"

    def quantile(q: float, by: str) -> str:
        return f"histogram_quantile({q:g}, {_rate(buckets, by)})"

    return (
        lines(
            About(
                "Round trips",
                "Time from the last attempt's question to its outcome, over all "
                "chosen resolvers; a timeout counts as long as it was waited for.",
                12,
                9,
            ),
            [Query(quantile(q, "le"), f"{q:.0%}") for q in (0.5, 0.9, 0.99)],
            SECONDS,
        ),
        lines(
            About(
                "Round trips, 90 % of each",
                "One that rises alone: the way to that resolver. "
                "All of them: our own network, or a processor that is too busy to read.",
                12,
                9,
            ),
            [Query(quantile(0.9, "le, resolver"), "{{resolver}}")],
            SECONDS,
        ),
    )


def _keeping() -> Sequence[Builder[Panel]]:
    def increase(name: str, by: str) -> str:
        counter = f"increase(oss_cname_{name}{{{_JOB}}}[$__rate_interval])"
        return f"sum by ({by}) ({counter})" if by else f"sum({counter})"

    return (
        lines(
            About(
                "Store errors",
                "Steps that the store could not keep; what was not kept is not "
                "shown either. Is the disk full, or is the database server away?",
                6,
                8,
            ),
            [Query(increase("store_errors_total", ""), "errors")],
            Look("short", steps={1: VERMILION}, decimals=0, low=0),
        ),
        lines(
            About(
                "Inventory errors",
                "Accounts, buckets and entries that could not be read. "
                "What cannot be read stays as it was last known; the overview has the reasons.",
                6,
                8,
            ),
            [Query(increase("inventory_errors_total", "account"), "{{account}}")],
            Look("short", steps={1: ORANGE}, decimals=0, low=0),
        ),
        lines(
            About(
                "Pairs",
                "Pairs of a domain and a resolver that answered or was waited for. "
                "Above `[daemon] max_exported_pairs` they have no series of their own.",
                6,
                8,
            ),
            [Query(_gauge("pairs").expr, "pairs")],
            COUNT,
        ),
        lines(
            About(
                "Notices",
                "What channels took (sent), attempts that are made again (delayed), and what "
                "was given up (failed): try `oss-cname-monitor channels test`. Empty without "
                "channels.",
                6,
                8,
            ),
            [Query(increase("notices_total", "channel, result"), "{{channel}} {{result}}")],
            Look("short", decimals=0, low=0),
        ),
    )


def _costs() -> Sequence[Builder[Panel]]:
    return (
        lines(
            About(
                "Memory",
                "Resident memory of the process. It grows with domains times "
                "resolvers, and then rests; a line that keeps on rising is worth a report.",
                6,
                8,
            ),
            [Query(f"max(process_resident_memory_bytes{{{_JOB}}})", "resident")],
            Look("bytes", low=0),
        ),
        lines(
            About(
                "Processor",
                "Processor time a second; 100 % is one whole core, and the most "
                "that the loop can use.",
                6,
                8,
            ),
            [Query(f"sum(rate(process_cpu_seconds_total{{{_JOB}}}[$__rate_interval]))", "cores")],
            Look("percentunit", steps={0.8: ORANGE}, low=0),
        ),
        lines(
            About(
                "Open files",
                "File descriptors in use, and how many there may be: raise "
                "`LimitNOFILE` of the service before they meet.",
                6,
                8,
            ),
            [
                Query(f"max(process_open_fds{{{_JOB}}})", "open"),
                Query(f"max(process_max_fds{{{_JOB}}})", "limit"),
            ],
            COUNT,
        ),
        lines(
            About(
                "Scrapes",
                "How long Prometheus waits for the metrics. It must stay below its "
                "`scrape_timeout`: lower `max_exported_pairs`, or scrape less often.",
                6,
                8,
            ),
            [Query(f"max(scrape_duration_seconds{{{_JOB}}})", "duration")],
            SECONDS,
        ),
    )
