from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.bindings import CONFIGURED, Binding, Target
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
from tests.core.properties import REPEATABLE
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
FAILURES = st.lists(
    st.builds(
        Failure, st.just(DENIED), st.sampled_from(Scope), st.sampled_from(["shop-img", "other"])
    ),
    max_size=2,
)


@st.composite
def inventories(draw: st.DrawFn) -> list[AccountInventory]:
    """Draw what three accounts hold; one of them is the configuration."""
    bindings = draw(st.lists(BINDINGS, max_size=8))
    return [
        AccountInventory(name, tuple(b for b in bindings if b.account == name))
        for name in ("shop", "second", CONFIGURED)
    ]


ACCOUNTS = inventories()


def test_a_complete_look_replaces_what_was_known() -> None:
    after = fold(KNOWN, Listing("shop", (B,)), START + MINUTE)
    assert after == AccountInventory("shop", (B,), START + MINUTE)


def test_what_is_bound_as_before_is_the_object_that_is_known() -> None:
    """Whoever keeps or compares a hundred thousand of them is done at once with all but one."""
    moved = binding("b.example", "third")
    after = fold(KNOWN, Listing("shop", (replace(A), moved)), START + MINUTE)
    assert after.bindings == (A, moved)
    assert after.bindings[0] is A
    assert fold(KNOWN, Listing("shop", (replace(A), replace(B))), START).bindings is KNOWN.bindings


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


@REPEATABLE
@given(ACCOUNTS.flatmap(lambda accounts: st.tuples(st.just(accounts), st.permutations(accounts))))
def test_the_order_of_accounts_decides_nothing(
    orders: tuple[list[AccountInventory], list[AccountInventory]],
) -> None:
    given_order, another = orders
    assert watch_list(given_order) == watch_list(another)


@REPEATABLE
@given(ACCOUNTS)
def test_every_bound_domain_is_watched_once_or_disputed_and_never_decided_silently(
    accounts: list[AccountInventory],
) -> None:
    watched = watch_list(accounts)
    claims = [b for account in accounts for b in account.bindings]
    assert watched.domains == {b.domain for b in claims}
    for domain in watched.domains:
        targets = {b.target for b in claims if b.domain == domain}
        assert (domain in watched.rivals) is (len(targets) > 1)
        assert (domain in watched.bindings) is (len(targets) == 1)


@REPEATABLE
@given(st.lists(BINDINGS, max_size=8), st.lists(BINDINGS, max_size=8), FAILURES)
def test_nothing_vanishes_because_an_account_or_a_bucket_could_not_be_read(
    known: list[Binding], found: list[Binding], failures: list[Failure]
) -> None:
    before = AccountInventory("shop", tuple(known), START)
    listing = Listing("shop", tuple(found), tuple(failures))
    after = fold(before, listing, START + MINUTE)
    hidden = {f.bucket for f in failures if f.scope is Scope.BUCKET}
    is_hidden = any(f.scope is Scope.ACCOUNT for f in failures)
    kept = [b for b in known if is_hidden or b.bucket in hidden]
    assert set(after.bindings) == {*kept, *(() if is_hidden else found)}
    assert after.failures == listing.failures
    is_complete = not is_hidden and not hidden
    assert after.last_success_at == (START + MINUTE if is_complete else START)


@REPEATABLE
@given(ACCOUNTS, ACCOUNTS)
def test_the_differences_lead_from_what_was_to_what_is_and_leave_disputes_alone(
    earlier: list[AccountInventory], later: list[AccountInventory]
) -> None:
    before, after = watch_list(earlier).bindings, watch_list(later)
    replayed = dict(before)
    for change in differences(before, after):
        match change:
            case Added(binding):
                assert binding.domain not in replayed
                replayed[binding.domain] = binding
            case Removed(binding):
                assert replayed.pop(binding.domain) == binding
            case Moved(old, new):
                assert replayed[new.domain] == old
                replayed[new.domain] = new
    disputed = {d: b for d, b in before.items() if d in after.rivals}
    expected = {**after.bindings, **disputed}
    assert {d: _bound_to(b) for d, b in replayed.items()} == {
        d: _bound_to(b) for d, b in expected.items()
    }


def _bound_to(bound: Binding) -> tuple[Target, str]:
    return bound.target, bound.account


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
