import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.answers import Address, Alias, Answer, Rcode
from monitor.core.chain import MAX_HOPS, ChainFault, rebuild
from monitor.core.names import DomainName
from tests.core.properties import REPEATABLE

NAMES = [DomainName(f"n{number}.example") for number in range(20)]
START = NAMES[0]


def answer_of(*pairs: tuple[int, int], at: int | None = None) -> Answer:
    aliases = tuple(Alias(NAMES[a], NAMES[b], 60 + a) for a, b in pairs)
    addresses = () if at is None else (Address(NAMES[at], "203.0.113.1", 60),)
    return Answer(Rcode.NOERROR, aliases, addresses)


def test_a_chain_is_followed_whatever_the_order_of_records() -> None:
    chain = rebuild(START, answer_of((2, 3), (0, 1), (1, 2), at=3))
    assert chain.targets == (NAMES[1], NAMES[2], NAMES[3])
    assert chain.addresses == ("203.0.113.1",)
    assert chain.first_ttl == 60
    assert chain.end == NAMES[3]


def test_without_a_cname_the_domain_is_the_end() -> None:
    chain = rebuild(START, answer_of(at=0))
    assert (chain.links, chain.end, chain.first_ttl) == ((), START, None)


def test_addresses_of_other_names_do_not_count() -> None:
    assert rebuild(START, answer_of((0, 1), at=2)).addresses == ()


def test_addresses_are_sorted_and_told_once() -> None:
    addresses = tuple(Address(START, f"203.0.113.{n}", 1) for n in (2, 1, 2))
    found = rebuild(START, Answer(Rcode.NOERROR, addresses=addresses)).addresses
    assert found == ("203.0.113.1", "203.0.113.2")


def test_a_loop_ends_where_it_closes() -> None:
    chain = rebuild(START, answer_of((0, 1), (1, 2), (2, 1)))
    assert chain.fault is ChainFault.LOOP
    assert chain.end == NAMES[1]


def test_a_name_that_points_to_itself_is_a_loop() -> None:
    assert rebuild(START, answer_of((0, 0))).fault is ChainFault.LOOP


def test_sixteen_hops_are_a_chain_and_seventeen_are_too_many() -> None:
    links = [(n, n + 1) for n in range(MAX_HOPS)]
    assert rebuild(START, answer_of(*links, at=MAX_HOPS)).fault is None
    longer = [*links, (MAX_HOPS, MAX_HOPS + 1)]
    assert rebuild(START, answer_of(*longer)).fault is ChainFault.TOO_LONG


def test_two_targets_of_one_name_are_ambiguous_and_a_repetition_is_not() -> None:
    assert rebuild(START, answer_of((0, 1), (0, 2))).fault is ChainFault.AMBIGUOUS
    assert rebuild(START, answer_of((0, 1), (0, 1), at=1)).fault is None


PAIRS = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=25)
LONG = st.permutations(range(1, 20)).map(lambda names: list(pairwise([0, *names])))
EDGES = st.one_of(
    PAIRS,
    st.builds(lambda row, extra: row + extra[:1], LONG, PAIRS),
    LONG.map(lambda row: row[:15]),
)


@REPEATABLE
@given(EDGES, st.integers(0, 19), st.randoms())
def test_a_chain_is_what_a_walk_from_name_to_name_finds_in_any_order(
    pairs: list[tuple[int, int]], at: int, rng: random.Random
) -> None:
    path, fault = walked(pairs)
    chain = rebuild(START, answer_of(*pairs, at=at))
    assert (chain.targets, chain.fault) == (tuple(NAMES[n] for n in path[1:]), fault)
    assert bool(chain.addresses) is (fault is None and path[-1] == at)
    assert rebuild(START, answer_of(*rng.sample(pairs, len(pairs)), at=at)) == chain


def walked(pairs: list[tuple[int, int]]) -> tuple[list[int], ChainFault | None]:
    """Walk over numbers as slowly as it can be done."""
    path = [0]
    while ahead := {b for a, b in pairs if a == path[-1]}:
        if len(ahead) > 1:
            return path, ChainFault.AMBIGUOUS
        path.extend(ahead)
        if path.count(path[-1]) > 1:
            return path, ChainFault.LOOP
        if len(path) == 18:
            return path, ChainFault.TOO_LONG
    return path, None


def test_of_a_record_that_comes_twice_the_smaller_ttl_holds() -> None:
    aliases = tuple(Alias(NAMES[0], NAMES[1], ttl) for ttl in (60, 5, 30))
    for answer in (aliases, aliases[::-1]):
        assert rebuild(NAMES[0], Answer(Rcode.NOERROR, answer)).first_ttl == 5
