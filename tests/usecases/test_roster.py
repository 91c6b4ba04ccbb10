from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.hysteresis import Settled
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step
from monitor.core.status import DomainStatus
from monitor.usecases.roster import Roster
from monitor.usecases.snapshot import PLACES, Snapshot, Sort
from tests.core.samples import BINDING, START

MANY = tuple(DomainName(f"d{n}.shop.example") for n in range(200))


def domain_of(name: DomainName, status: DomainStatus, minutes: int) -> DomainState:
    return DomainState(name, BINDING, START + timedelta(minutes=minutes), status=Settled(status))


domains = st.builds(
    domain_of, st.sampled_from(MANY), st.sampled_from(DomainStatus), st.integers(0, 5)
)
steps = st.builds(
    Step,
    domains=st.lists(domains, max_size=12, unique_by=lambda d: d.domain).map(tuple),
    forgotten=st.frozensets(st.sampled_from(MANY), max_size=2),
)
FLEET = State(domains={name: domain_of(name, DomainStatus.UNKNOWN, 0) for name in MANY})


@given(st.sampled_from([State(), FLEET]), st.lists(steps, max_size=8), st.data())
def test_every_order_is_that_of_sorting_whatever_came_went_and_moved(
    state: State, moves: list[Step], data: st.DataObject
) -> None:
    roster = Roster()
    for step in moves:
        for sort in data.draw(st.sets(st.sampled_from(Sort))):
            expected = sorted(state.domains.values(), key=PLACES[sort])
            assert list(roster.domains(state, PLACES[sort])) == expected
        roster.note(step)
        state = state.after(step)
    for sort in Sort:
        expected = sorted(state.domains.values(), key=PLACES[sort])
        assert list(roster.domains(state, PLACES[sort])) == expected


def test_an_order_that_was_given_out_stays_as_it_was() -> None:
    roster, key = Roster(), PLACES[Sort.STATUS]
    first = roster.domains(FLEET, key)
    before = list(first)
    roster.domains(FLEET.after(Step((domain_of(MANY[7], DomainStatus.BROKEN, 1),))), key)
    assert first == before


def test_the_same_state_is_sorted_once() -> None:
    roster, key = Roster(), PLACES[Sort.NAME]
    assert roster.domains(FLEET, key) is roster.domains(FLEET, key)


def test_former_states_of_many_domains_are_not_kept() -> None:
    roster, key = Roster(), PLACES[Sort.NAME]
    first = roster.domains(FLEET, key)
    moved = Step(tuple(FLEET.domains.values()) * 51)
    roster.note(moved)
    assert roster.domains(FLEET, key) is not first


def test_statuses_are_counted_and_have_their_places() -> None:
    moved = Step(tuple(domain_of(name, DomainStatus.BROKEN, 1) for name in MANY[3:5]))
    shown = Snapshot(START, FLEET.after(moved), ())
    assert shown.counts[DomainStatus.BROKEN] == 2
    assert shown.counts[DomainStatus.UNKNOWN] == 198
    assert sum(shown.counts.values()) == 200
    broken = shown.sorted(Sort.STATUS)[shown.place(DomainStatus.BROKEN)]
    assert [domain.domain for domain in broken] == list(MANY[3:5])
    assert shown.worst is DomainStatus.BROKEN
    assert Snapshot(START, State(), ()).worst is None
