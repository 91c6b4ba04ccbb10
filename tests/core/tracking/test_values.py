from itertools import combinations
from typing import Any

import pytest

from monitor.core.answers import Address, Alias, Answer, ExtendedError, NoAnswer, Rcode
from monitor.core.names import DomainName
from monitor.core.tracking.values import ABSENT, Sample, Value, ValueKind, alias, sample_of
from tests.core.samples import DOMAIN, SILENT, START, TARGET, sighting
from tests.core.tracking.scenes import VALUES

NEXT = DomainName("edge.shop.example")
CHAIN = (Alias(DOMAIN, NEXT, 300), Alias(NEXT, TARGET.name, 60))
ENDS = (Address(TARGET.name, "203.0.113.1", 30),)


def answer(**parts: Any) -> Answer:
    return Answer(parts.pop("rcode", Rcode.NOERROR), **parts)


def seen(outcome: Answer | NoAnswer, owner: DomainName = DOMAIN) -> Sample:
    return sample_of(sighting("alidns", outcome), owner)


def test_every_hop_of_a_chain_is_a_record_of_its_own() -> None:
    found = answer(aliases=CHAIN, addresses=ENDS)
    assert seen(found) == Sample(START, alias(NEXT), 300)
    assert seen(found, NEXT) == Sample(START, alias(TARGET.name), 60)


def test_a_chain_that_does_not_come_by_says_nothing_of_a_record() -> None:
    found = seen(answer(aliases=CHAIN, addresses=ENDS), DomainName("other.example"))
    assert (found.value, found.ttl) == (None, 0)


def test_the_order_of_the_records_does_not_matter() -> None:
    assert seen(answer(aliases=CHAIN[::-1], addresses=ENDS), NEXT).value == alias(TARGET.name)


def test_addresses_are_one_value_and_the_shortest_ttl_counts() -> None:
    both = (Address(DOMAIN, "198.51.100.7", 60), Address(DOMAIN, "198.51.100.8", 20))
    own = frozenset({"203.0.113.1"})
    found = sample_of(sighting("alidns", answer(addresses=both), target_addresses=own), DOMAIN)
    expected = Value(ValueKind.ADDRESSES, addresses=frozenset({"198.51.100.7", "198.51.100.8"}))
    assert (found.value, found.ttl) == (expected, 20)


def test_the_targets_own_addresses_are_the_target_flattened() -> None:
    own = frozenset({"203.0.113.1"})
    outcome = answer(addresses=(Address(DOMAIN, "203.0.113.1", 60),))
    found = sample_of(sighting("alidns", outcome, target_addresses=own), DOMAIN)
    assert found.value == Value(ValueKind.FLATTENED, addresses=own)


@pytest.mark.parametrize("rcode", [Rcode.NXDOMAIN, Rcode.NOERROR])
def test_nxdomain_and_no_data_are_one_denial_with_the_negative_ttl(rcode: Rcode) -> None:
    found = seen(answer(rcode=rcode, negative_ttl=600))
    assert (found.value, found.ttl) == (ABSENT, 600)


def test_a_denial_at_the_end_of_a_chain_is_one_of_the_last_name() -> None:
    found = answer(rcode=Rcode.NXDOMAIN, aliases=CHAIN[:1], negative_ttl=60)
    assert seen(found).value == alias(NEXT)
    assert seen(found, NEXT) == Sample(START, ABSENT, 60)


@pytest.mark.parametrize(
    "outcome", [SILENT, answer(rcode=Rcode.REFUSED)], ids=["silent", "refused"]
)
def test_what_is_no_answer_has_no_value(outcome: Answer | NoAnswer) -> None:
    found = seen(outcome)
    assert (found.value, found.is_failure) == (None, False)


def test_a_failure_is_told_apart_from_silence_and_keeps_what_the_server_adds() -> None:
    errors = (ExtendedError(22, "no reachable authority"), ExtendedError(23))
    found = seen(answer(rcode=Rcode.SERVFAIL, extended_errors=errors, nsid="hz-3"))
    expected = Sample(START, None, 0, (22, 23), "hz-3", None, is_failure=True)
    assert found == expected


def test_a_subnet_scope_is_kept() -> None:
    assert seen(answer(aliases=CHAIN, addresses=ENDS, subnet_scope=24)).subnet_scope == 24


@pytest.mark.parametrize(
    "names",
    list(combinations(["old", "new", "absent", "addresses", "flattened"], 2)),
    ids="-".join,
)
def test_different_values_are_not_the_same_and_are_told_apart(names: tuple[str, str]) -> None:
    one, other = (VALUES[name] for name in names)
    assert not one.is_same(other)
    assert not other.is_same(one)
    assert one.is_told_apart_from(other)
    assert other.is_told_apart_from(one)


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_the_same_as_itself(name: str) -> None:
    assert VALUES[name].is_same(VALUES[name])


def test_addresses_that_rotate_within_a_set_are_no_change() -> None:
    one = Value(ValueKind.ADDRESSES, addresses=frozenset({"198.51.100.1", "198.51.100.2"}))
    other = Value(ValueKind.ADDRESSES, addresses=frozenset({"198.51.100.2", "198.51.100.3"}))
    apart = Value(ValueKind.ADDRESSES, addresses=frozenset({"198.51.100.9"}))
    assert one.is_same(other)
    assert not one.is_same(apart)


def test_addresses_that_two_targets_share_do_not_show_which_one_it_is() -> None:
    assert not VALUES["sibling"].is_told_apart_from(VALUES["flattened"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("new", "shop-img.oss-cn-hangzhou.aliyuncs.com"),
        ("flattened", "203.0.113.1, 203.0.113.2"),
        ("absent", ""),
    ],
)
def test_a_value_reads_as_people_write_it(name: str, text: str) -> None:
    assert VALUES[name].text == text
