"""The closed sets of the metrics, each word with a text and a colour that no eye confuses.

Colours are those of Okabe and Ito, which people see apart whatever their colour vision; the text
and its sign tell the same without any colour.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from grafana_foundation_sdk.models.dashboard import ValueMap, ValueMappingResult

BLUE, SKY, GREEN = "#0072B2", "#56B4E9", "#009E73"
YELLOW, ORANGE, VERMILION = "#F0E442", "#E69F00", "#D55E00"
PURPLE, GREY, PALE = "#CC79A7", "#999999", "#C8C8C8"


@dataclass(frozen=True, slots=True)
class Shown:
    """How a word is shown."""

    text: str
    colour: str


Words: TypeAlias = Mapping[str, Shown]

STATUSES: Words = {
    "in_effect": Shown("✔ in effect", BLUE),
    "propagating": Shown("↻ propagating", SKY),
    "partial": Shown("◐ partial", ORANGE),
    "broken": Shown("✖ broken", VERMILION),
    "unknown": Shown("? unknown", GREY),
    "paused": Shown("‖ paused", PALE),
}

VERDICTS: Words = {
    "in_effect": Shown("✔ in effect", BLUE),
    "in_effect_flattened": Shown("✔ in effect, flattened", SKY),
    "via_proxy": Shown("✔ via a proxy", GREEN),
    "other_bucket": Shown("✖ other bucket", VERMILION),
    "other_endpoint": Shown("✖ other endpoint", VERMILION),
    "internal_endpoint": Shown("✖ internal endpoint", VERMILION),
    "not_oss": Shown("✖ not OSS", ORANGE),
    "no_cname": Shown("✖ no CNAME", ORANGE),
    "no_data": Shown("✖ no such record", PURPLE),
    "nxdomain": Shown("✖ no such name", PURPLE),
    "chain_loop": Shown("✖ chain loops", PURPLE),
    "chain_too_long": Shown("✖ chain too long", PURPLE),
    "servfail": Shown("? SERVFAIL", GREY),
    "refused": Shown("? refused", GREY),
    "timeout": Shown("? timeout", GREY),
    "network_error": Shown("? network error", GREY),
    "malformed": Shown("? malformed", GREY),
    "rate_limited": Shown("? rate limited", GREY),
}
REACHING = ("in_effect", "in_effect_flattened", "via_proxy")
UNUSABLE = ("servfail", "refused", "timeout", "network_error", "malformed", "rate_limited")

CHANGES: Words = {
    "announced": Shown("… announced", PALE),
    "auth_split": Shown("◐ authorities differ", ORANGE),
    "propagating": Shown("↻ propagating", SKY),
    "converged": Shown("✔ converged", GREEN),
    "settled": Shown("✔ settled", BLUE),
    "expired": Shown("✖ expired", VERMILION),
    "superseded": Shown("→ superseded", GREY),
    "reverted": Shown("← reverted", PURPLE),
    "cancelled": Shown("∅ cancelled", GREY),
}
OPEN = ("announced", "auth_split", "propagating", "converged", "expired")
PENDING = ("auth_split", "propagating", "expired")

TRACKS: Words = {
    "unknown": Shown("? unknown", GREY),
    "auth_wait": Shown("… waits for authorities", PALE),
    "census": Shown("↻ census", SKY),
    "waiting": Shown("◐ old, expiry known", YELLOW),
    "confirming": Shown("↻ confirming", SKY),
    "converged": Shown("✔ converged", GREEN),
    "settled": Shown("✔ settled", BLUE),
    "overstay": Shown("✖ old for too long", VERMILION),
    "unreachable": Shown("? unreachable", GREY),
    "regressed": Shown("✖ old again", VERMILION),
    "flapping": Shown("✖ to and fro", PURPLE),
}
LATE = ("auth_wait", "census", "waiting", "confirming", "overstay", "regressed", "flapping")

REASONS: Words = {
    "auth_lag": Shown("an authority lags", ORANGE),
    "auth_hidden_lag": Shown("a hidden authority lags", ORANGE),
    "delegation": Shown("delegation differs", ORANGE),
    "split_view": Shown("is given another view", ORANGE),
    "serve_stale": Shown("serves stale data", PURPLE),
    "servfail": Shown("finds no answer", GREY),
    "ttl_floor": Shown("keeps it longer than told", VERMILION),
    "optimistic": Shown("answers expired data first", PURPLE),
    "ttl_opaque": Shown("hides its expiry", GREY),
    "override": Shown("overridden or hijacked", VERMILION),
    "intercepted": Shown("somebody else answers", VERMILION),
    "negative_cache": Shown("remembers that there was none", YELLOW),
    "chain_hop": Shown("a later hop is old", YELLOW),
    "late_cache": Shown("a cache fetched before the change", YELLOW),
    "not_observable": Shown("DNS cannot show it", GREY),
    "unexplained": Shown("unexplained", VERMILION),
}

FAULTS: Words = {
    "wildcard": Shown("wildcard", PALE),
    "bound_twice": Shown("bound twice", ORANGE),
    "binding_disabled": Shown("binding disabled", ORANGE),
    "authority_split": Shown("authorities differ", VERMILION),
    "delegation_mismatch": Shown("delegation differs", ORANGE),
    "not_pointing": Shown("leads elsewhere", PURPLE),
    "unbound": Shown("not bound in OSS", VERMILION),
    "bucket_missing": Shown("bucket is gone", VERMILION),
    "certificate_expiring": Shown("certificate expires", ORANGE),
    "certificate_missing": Shown("no certificate", PURPLE),
    "ttl_high": Shown("TTL is high", PALE),
}

UP_OR_DOWN: Words = {"1": Shown("✔ up", BLUE), "0": Shown("✖ down", VERMILION)}
RELOADS: Words = {"1": Shown("✔ loaded", BLUE), "0": Shown("✖ refused", VERMILION)}
PAIR_SERIES: Words = {"0": Shown("✔ exported", BLUE), "1": Shown("‖ left out", ORANGE)}
PLANNED: Words = {"1": Shown("planned", PALE)}
PRESENT: Words = {"1": Shown("present", ORANGE)}


def mapping_of(words: Words) -> ValueMap:
    """Return the mapping that shows each word, where a label or a value holds it."""
    return ValueMap(
        {
            word: ValueMappingResult(shown.text, shown.colour, index=rank)
            for rank, (word, shown) in enumerate(words.items())
        }
    )


def numbered(words: Words) -> Words:
    """Return the words under the numbers that `coded` gives them."""
    return {str(number): shown for number, shown in enumerate(words.values(), start=1)}


def coded(metric: str, label: str, words: Words, *, where: str, by: str) -> str:
    """Return a query whose value is the number of the word that the label holds.

    Panels of states show values, and in Prometheus a label is none. The numbers mean nothing
    outside of their panel.
    """
    arms = [
        f'{metric}{{{where},{label}="{word}"}} * {number}'
        for number, word in enumerate(words, start=1)
    ]
    return f"max by ({by}) (\n  " + "\n  or ".join(arms) + "\n)"


def either(words: Iterable[str]) -> str:
    """Return the regular expression of any of them."""
    return "|".join(words)
