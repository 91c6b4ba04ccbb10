"""What was said last is given back octet by octet, however long the part that is its own."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.resolvers.memo import NOTHING_YET, Remembered, own_of
from monitor.adapters.resolvers.reading import reading_of, remembered
from monitor.adapters.resolvers.watchlist import STRIDE, Watchlist
from monitor.core.servers import Transport
from tests.adapters.resolvers.messages import TTLS, Message, address, alias

NAME, BUCKET = "a.shop.example", "shop-a.oss-cn-hangzhou.aliyuncs.com"
QUESTION = Message(NAME).wire()[12 : 12 + len(NAME) + 6]


def wire_of(addresses: int, ttl: int = 60, message_id: int = 7) -> bytes:
    found = (address(BUCKET, f"203.0.113.{number}") for number in range(addresses))
    return Message(NAME, (alias(NAME, BUCKET), *found)).wire([ttl], message_id)


def said_by(wire: bytes) -> tuple[Remembered, bytes]:
    reading = reading_of(wire)
    assert reading is not None
    said = remembered(wire, reading, b"gist", Transport.UDP, masks_question=False)
    return said, own_of(said.unpack(wire))


def note(watchlist: Watchlist, number: int, wire: bytes) -> None:
    watchlist.note(number, *said_by(wire), at=1.0, rtt=0.5)


def test_what_is_short_and_what_is_long_lie_apart() -> None:
    (_, short), (_, long) = said_by(wire_of(2)), said_by(wire_of(9))
    assert len(short) <= STRIDE < len(long)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 12), TTLS, st.integers(0, 2**16 - 1)),
        max_size=12,
    )
)
def test_each_number_gives_back_the_newest_that_was_noted_of_it(
    noted: list[tuple[int, int, int, int]],
) -> None:
    watchlist = Watchlist()
    watchlist.grow(4)
    newest = dict[int, tuple[bytes, int]]()
    for number, addresses, ttl, message_id in noted:
        wire = wire_of(addresses, ttl, message_id)
        note(watchlist, number, wire)
        newest[number] = wire, ttl if ttl < 2**31 else 0
    for number in range(4):
        assert watchlist.has_answer(number) is (number in newest)
        if number not in newest:
            assert watchlist.ttls([number]) == [None]
            continue
        wire, ttl = newest[number]
        assert watchlist.ttls([number]) == [ttl]
        assert watchlist.wire(number, QUESTION) == wire


def test_what_is_forgotten_is_gone_until_it_is_said_again() -> None:
    watchlist = Watchlist()
    watchlist.grow(2)
    note(watchlist, 1, wire_of(9))
    watchlist.forget(1)
    watchlist.forget(2)  # nobody asked about it yet
    assert watchlist.known[1] is NOTHING_YET
    assert (watchlist.has_answer(1), watchlist.ttls([1]), watchlist.longer) == (False, [None], {})
    note(watchlist, 1, wire_of(1, 9))
    assert watchlist.ttls([0, 1, 2]) == [None, 9, None]


def test_room_that_is_made_leaves_what_was_noted_before() -> None:
    watchlist = Watchlist()
    watchlist.grow(1)
    note(watchlist, 0, wire_of(2))
    watchlist.grow(100)
    watchlist.grow(50)
    assert watchlist.wire(0, QUESTION) == wire_of(2)
    assert not watchlist.has_answer(99)


def test_what_another_column_read_is_expected_only_where_nothing_is_known() -> None:
    watchlist = Watchlist()
    watchlist.grow(2)
    (mine, own), (others, _) = said_by(wire_of(1)), said_by(wire_of(2))
    watchlist.note(0, mine, own, at=1.0, rtt=0.5)
    for number in range(3):  # of number 2, nobody has asked yet
        watchlist.expect(number, others)
    assert watchlist.known == [mine, others]
    assert not watchlist.has_answer(1)
