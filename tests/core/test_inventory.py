from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.bindings import CONFIGURED, Binding
from monitor.core.inventory import (
    AccountInventory,
    Added,
    Failure,
    FailureReason,
    Listing,
    Moved,
    Removed,
    Scope,
    differences,
    fold,
    watch_list,
)
from monitor.core.names import DomainName
from tests.core.samples import MINUTE, START, binding

A, B = binding("a.example"), binding("b.example", "other")
DENIED = FailureReason.DENIED
KNOWN = AccountInventory("shop", (A, B), START)

BINDINGS = st.builds(
    binding,
    st.sampled_from(["a.example", "b.example", "c.example"]),
    st.sampled_from(["shop-img", "other"]),
    st.sampled_from(["shop", "second", CONFIGURED]),
)


def test_a_complete_look_replaces_what_was_known() -> None:
    after = fold(KNOWN, Listing("shop", (B,)), START + MINUTE)
    assert after == AccountInventory("shop", (B,), START + MINUTE)


def test_when_the_account_cannot_be_read_everything_stays_and_its_age_shows() -> None:
    failure = Failure(DENIED, Scope.ACCOUNT)
    after = fold(KNOWN, Listing("shop", (), (failure,)), START + MINUTE)
    assert after == replace(KNOWN, failures=(failure,))


def test_when_one_bucket_cannot_be_read_only_its_bindings_stay() -> None:
    failure = Failure(DENIED, Scope.BUCKET, "other")
    after = fold(KNOWN, Listing("shop", (), (failure,)), START + MINUTE)
    assert after.bindings == (B,)
    assert after.last_success_at == START


def test_a_bad_entry_hides_nothing_but_itself() -> None:
    failure = Failure(FailureReason.MALFORMED, Scope.ENTRY, "shop-img")
    after = fold(KNOWN, Listing("shop", (A,), (failure,)), START + MINUTE)
    assert (after.bindings, after.last_success_at) == ((A,), START + MINUTE)


def test_one_domain_in_two_buckets_is_disputed_not_chosen() -> None:
    rival = binding("a.example", "other", "second")
    watched = watch_list([KNOWN, AccountInventory("second", (rival,))])
    assert A.domain not in watched.bindings
    assert set(watched.rivals[A.domain]) == {A, rival}


def test_the_configuration_adds_its_labels_to_what_an_account_found() -> None:
    found = replace(A, labels=(("team", "web"), ("tier", "1")))
    listed = replace(A, account=CONFIGURED, labels=(("team", "media"),))
    watched = watch_list(
        [AccountInventory(CONFIGURED, (listed,)), AccountInventory("shop", (found,))]
    )
    joined = watched.bindings[A.domain]
    assert joined.account == "shop"
    assert dict(joined.labels) == {"team": "web", "tier": "1"}


@given(st.lists(BINDINGS, max_size=8))
def test_the_order_of_accounts_decides_nothing(bindings: list[Binding]) -> None:
    names = ("shop", "second", CONFIGURED)
    accounts = [
        AccountInventory(name, tuple(b for b in bindings if b.account == name)) for name in names
    ]
    assert watch_list(accounts) == watch_list(reversed(accounts))


@given(st.lists(BINDINGS, max_size=8))
def test_every_bound_domain_is_watched_once_or_disputed(bindings: list[Binding]) -> None:
    watched = watch_list([AccountInventory("all", tuple(bindings))])
    assert watched.domains == {b.domain for b in bindings}
    assert not watched.bindings.keys() & watched.rivals.keys()
    for domain, rivals in watched.rivals.items():
        assert len({b.target for b in rivals}) > 1, domain


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((), (A,), (Added(A),)),
        ((A,), (), (Removed(A),)),
        ((A,), (A,), ()),
        ((A,), (replace(A, labels=(("x", "y"),)),), ()),
    ],
)
def test_additions_and_removals_are_told(
    before: tuple[Binding, ...], after: tuple[Binding, ...], expected: tuple[object, ...]
) -> None:
    known = {b.domain: b for b in before}
    assert differences(known, watch_list([AccountInventory("shop", after)])) == expected


@pytest.mark.parametrize("after", [binding("a.example", "other"), replace(A, account="second")])
def test_another_bucket_or_account_is_a_move(after: Binding) -> None:
    watched = watch_list([AccountInventory("x", (after,))])
    assert differences({A.domain: A}, watched) == (Moved(A, after),)


def test_a_domain_that_rivals_claim_is_not_removed() -> None:
    rivals = (A, binding("a.example", "other"))
    watched = watch_list([AccountInventory("shop", rivals)])
    assert differences({A.domain: A}, watched) == ()
    assert watched.domains == {DomainName("a.example")}
