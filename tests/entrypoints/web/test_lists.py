"""Pages of lists: in which order, narrowed to what, and whole whatever comes and goes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from monitor.core.bindings import Binding, BucketTarget, NameTarget
from monitor.core.events import Event, EventType
from monitor.core.hysteresis import Settled
from monitor.core.inventory import AccountInventory
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step
from monitor.core.status import DomainStatus, Fault
from monitor.entrypoints.web.listing import Order, Query, page_of
from monitor.usecases.roster import Roster
from monitor.usecases.snapshot import PLACES, Snapshot, Sort
from tests.contracts.store_contract import CHANGES
from tests.core.samples import START
from tests.entrypoints.sample import CDN, ENDPOINT, FOREIGN, IMG, RESOLVERS, sample_snapshot
from tests.entrypoints.web.worlds import reader, site_of
from tests.fakes.memory_store import MemoryStore

PROBLEM = "application/problem+json"


def domain_of(
    n: int, status: DomainStatus = DomainStatus.IN_EFFECT, minutes: int = 0
) -> DomainState:
    name = DomainName(f"d{n}.shop.example")
    binding = Binding(name, BucketTarget(f"bucket-{n % 3}", ENDPOINT), f"account-{n % 2}")
    since = START + timedelta(minutes=minutes)
    faults = frozenset({Fault.UNBOUND} if n % 5 == 0 else ())
    return DomainState(name, binding, since, status=Settled(status), faults=faults)


states = st.builds(domain_of, st.integers(0, 60), st.sampled_from(DomainStatus), st.integers(0, 3))
fleets = st.lists(states, max_size=25, unique_by=lambda domain: domain.domain)
queries = st.builds(
    Query,
    status=st.none() | st.sampled_from(DomainStatus),
    text=st.sampled_from(["", "d1", "bucket-2", "2.oss", "nowhere"]),
    limit=st.integers(1, 5),
    account=st.sampled_from(["", "account-1"]),
    fault=st.none() | st.just(Fault.UNBOUND),
    sort=st.sampled_from(Sort),
    order=st.sampled_from(Order),
)


def shown(domains: list[DomainState], roster: Roster | None = None) -> Snapshot:
    state = State(domains={domain.domain: domain for domain in domains})
    return Snapshot(START, state, (), roster=roster or Roster())


def pages(
    snapshot: Snapshot, query: Query, between: Callable[[Snapshot], Snapshot] = lambda it: it
) -> Iterator[DomainState]:
    """Yield the domains of all pages; `between` two of them the world may change."""
    cursor: str | None = ""
    while cursor is not None:
        page = page_of(snapshot, replace(query, cursor=cursor))
        assert len(page.domains) <= query.limit
        yield from page.domains
        cursor, snapshot = page.next, between(snapshot)


@given(fleets, queries)
def test_all_pages_together_are_all_that_is_wanted_in_order(
    fleet: list[DomainState], query: Query
) -> None:
    is_descending = query.order is Order.DESCENDING
    expected = sorted(fleet, key=PLACES[query.sort], reverse=is_descending)
    wanted = list(filter(query.wants, expected))
    assert list(pages(shown(fleet), query)) == wanted
    assert page_of(shown(fleet), query).matching == len(wanted)


@settings(max_examples=50)
@given(fleets, queries, st.data())
def test_what_stays_is_shown_once_while_others_come_and_go(
    fleet: list[DomainState], query: Query, data: st.DataObject
) -> None:
    some = st.lists(st.sampled_from(fleet), max_size=9) if fleet else st.just([])
    staying = {domain.domain for domain in data.draw(some)}
    roster = Roster()

    def between(snapshot: Snapshot) -> Snapshot:
        come, gone = data.draw(fleets), data.draw(some)
        step = Step(
            tuple(domain for domain in come if domain.domain not in staying),
            frozenset(domain.domain for domain in gone if domain.domain not in staying),
        )
        return replace(snapshot, state=snapshot.state.after(step))

    seen = [domain.domain for domain in pages(shown(fleet, roster), query, between)]
    expected = sorted(filter(query.wants, fleet), key=PLACES[query.sort])
    stayed = [domain.domain for domain in expected if domain.domain in staying]
    if query.order is Order.DESCENDING:
        stayed.reverse()
    assert [name for name in seen if name in staying] == stayed


def names(client: TestClient, query: str) -> list[str]:
    reply = client.get(f"/api/v1/domains?{query}")
    assert reply.status_code == 200, reply.text
    return [item["domain"] for item in reply.json()["items"]]


def test_domains_are_narrowed_by_account_fault_and_text() -> None:
    fleet = [domain_of(n) for n in range(10)]
    by_name = replace(fleet[9], binding=Binding(fleet[9].domain, NameTarget(DomainName("ap.x"))))
    client = reader(site_of(shown([*fleet[:9], by_name])))
    assert names(client, "fault=unbound") == ["d0.shop.example", "d5.shop.example"]
    assert names(client, "fault=unbound&account=account-1") == ["d5.shop.example"]
    assert names(client, "account=nobody") == []
    assert names(client, "q=D7.SHOP") == ["d7.shop.example"]
    assert names(client, "q=bucket-2&account=account-0") == ["d2.shop.example", "d8.shop.example"]
    assert names(client, "q=BUCKET-2.OSS") == [f"d{n}.shop.example" for n in (2, 5, 8)]
    assert names(client, "q=ap.x") == ["d9.shop.example"]
    assert names(reader(site_of()), "q=图片") == [FOREIGN.text]


def test_domains_are_sorted_by_urgency_and_by_time() -> None:
    fleet = [
        domain_of(1, DomainStatus.IN_EFFECT, 3),
        domain_of(2, DomainStatus.BROKEN, 1),
        domain_of(3, DomainStatus.PARTIAL, 2),
        domain_of(4, DomainStatus.BROKEN, 9),
    ]
    client = reader(site_of(shown(fleet)))
    first = [f"d{n}.shop.example" for n in (2, 4, 3, 1)]
    assert names(client, "sort=status") == first
    assert names(client, "sort=status&order=desc") == first[::-1]
    assert names(client, "sort=since") == [f"d{n}.shop.example" for n in (2, 3, 1, 4)]
    assert names(client, "sort=name&order=desc") == [f"d{n}.shop.example" for n in (4, 3, 2, 1)]
    assert names(client, "sort=since&status=broken&order=desc&limit=1") == ["d4.shop.example"]


@pytest.mark.parametrize(
    "query",
    [
        *(
            "domains?cursor=a..b",
            "domains?cursor=broken:a.example",
            "domains?cursor=%F0%9F%98%80:",
        ),
        *("domains?sort=status&cursor=a.example", "domains?sort=status&cursor=fine:a.example"),
        *("domains?sort=since&cursor=broken:a.example", "domains?sort=since&cursor=a.example"),
        "domains?sort=since&cursor=2026-01-01T00:00:00:a.example",
        *("domains?sort=up", "domains?order=up", "domains?fault=none", "domains?q=" + "x" * 254),
        *(f"domains/{IMG}/history?cursor=x", f"domains/{IMG}/history?limit=0"),
        *("changes?cursor=1", "changes?open=yes", "changes?limit=1001"),
        *("inventory?cursor=shop", "inventory?cursor=shop:a..b:x.example", "inventory?limit=no"),
        "resolvers?limit=-1",
    ],
)
def test_a_cursor_or_wish_that_makes_no_sense_is_a_problem(query: str) -> None:
    reply = reader(site_of()).get(f"/api/v1/{query}")
    assert (reply.status_code, reply.headers["content-type"]) == (400, PROBLEM)
    key = query.rpartition("=")[0].rpartition("&")[2].rpartition("?")[2]
    assert reply.json()["detail"].startswith(f"{key}: ")


def followed(client: TestClient, path: str, limit: int) -> Iterator[Any]:
    """Yield each page's items, led by its cursor."""
    cursor: str | None = ""
    while cursor is not None:
        reply = client.get(f"/api/v1/{path}", params={"limit": limit, "cursor": cursor})
        assert reply.status_code == 200, reply.text
        yield reply.json()["items"]
        cursor = reply.json()["next"]


def test_a_history_is_paged_newest_first() -> None:
    found = list(followed(reader(site_of()), f"domains/{IMG}/history", 2))
    assert [[record["seq"] for record in page] for page in found] == [[5, 4], [3, 2], [1]]


def test_resolvers_are_paged_by_name() -> None:
    found = list(followed(reader(site_of()), "resolvers", 4))
    assert [len(page) for page in found] == [4, 2]
    listed = [one["resolver"] for page in found for one in page]
    assert listed == sorted(resolver.name for resolver in RESOLVERS)


async def test_changes_and_what_happened_in_one_are_paged() -> None:
    store, number = MemoryStore(), CHANGES[0].id
    events = tuple(Event(EventType.TRACK_STATE, START, change=number) for _ in range(5))
    await store.commit(Step(changes=CHANGES, events=events))
    client = reader(replace(site_of(), changes=store))
    found = [one["id"] for page in followed(client, "changes", 2) for one in page]
    assert found == sorted((change.id for change in CHANGES), reverse=True)
    told = list(followed(client, f"changes/{number}/events", 2))
    assert [[record["seq"] for record in page] for page in told] == [[1, 2], [3, 4], [5]]
    whole = client.get(f"/api/v1/changes/{number}").json()
    assert [record["seq"] for record in whole["events"]] == [1, 2, 3, 4, 5]
    assert whole["events_next"] is None
    missing = client.get("/api/v1/changes/01ARZ3NDEKTSV4RRFFQ69G5FAV/events")
    assert missing.status_code == 404


async def test_a_change_of_many_records_leads_on_to_those_that_it_does_not_hold() -> None:
    store, number = MemoryStore(), CHANGES[0].id
    events = tuple(Event(EventType.TRACK_STATE, START, change=number) for _ in range(1003))
    await store.commit(Step(changes=CHANGES[:1], events=events))
    client = reader(replace(site_of(), changes=store))
    whole = client.get(f"/api/v1/changes/{number}").json()
    assert len(whole["events"]) == 1000
    rest = client.get(f"/api/v1/changes/{number}/events?cursor={whole['events_next']}").json()
    assert [record["seq"] for record in rest["items"]] == [1001, 1002, 1003]


def binding_of(n: int, account: str) -> Binding:
    return Binding(DomainName(f"d{n}.{account}.example"), BucketTarget("b", ENDPOINT), account)


def inventory(**sizes: int) -> Snapshot:
    accounts = {
        name: AccountInventory(name, tuple(binding_of(n, name) for n in range(size)))
        for name, size in sizes.items()
    }
    return replace(sample_snapshot(), state=State(accounts=accounts))


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 9, 1000])
def test_an_inventory_is_paged_by_its_bindings(limit: int) -> None:
    client = reader(site_of(inventory(a=3, b=0, c=4, d=0)))
    found = list(followed(client, "inventory", limit))
    assert all(0 < sum(len(one["bindings"]) for one in page) <= limit for page in found[:-1])
    listed = [
        (one["account"], b["domain"]) for page in found for one in page for b in one["bindings"]
    ]
    assert listed == [
        (name, f"d{n}.{name}.example") for name, size in (("a", 3), ("c", 4)) for n in range(size)
    ]
    shown_accounts = [one["account"] for page in found for one in page]
    assert set(shown_accounts) == {"a", "b", "c", "d"}
    assert shown_accounts == sorted(shown_accounts)
    counts = {one["account"]: one["binding_count"] for page in found for one in page}
    assert counts == {"a": 3, "b": 0, "c": 4, "d": 0}


def test_an_inventory_is_narrowed_to_an_account_and_goes_on_without_one_that_is_gone() -> None:
    client = reader(site_of(inventory(a=1, c=2)))
    only = client.get("/api/v1/inventory?account=c").json()
    assert [one["account"] for one in only["items"]] == ["c"]
    rest = client.get("/api/v1/inventory?cursor=b:d0.b.example:b.x.example").json()
    assert [one["account"] for one in rest["items"]] == ["c"]


def test_the_first_page_still_holds_who_is_asked_for() -> None:
    assert names(reader(site_of()), "q=shop-CDN") == [CDN.text]
