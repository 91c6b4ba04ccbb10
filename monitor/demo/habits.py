"""How recursive servers are seen to behave: what they remember, and how they speak."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from dns.edns import EDECode
from dns.rcode import Rcode

from monitor.demo.zones import RRset


class Manner(Enum):
    """How a server speaks, whatever it knows."""

    PLAIN = "plain"
    SHUFFLED = "shuffled"
    TRUNCATING = "truncating"
    FAILING = "failing"
    WRONG_ID = "wrong_id"
    WRONG_QUESTION = "wrong_question"
    GARBAGE = "garbage"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Habit:
    """A behaviour; `dataclasses.replace` joins several, such as a pool that serves stale."""

    caches: int = 1
    ttl_floor: int = 0
    serves_stale: bool = False
    overrides: tuple[RRset, ...] = ()
    manner: Manner = Manner.PLAIN
    rcode: Rcode = Rcode.NOERROR
    error: EDECode | None = None
    delay: timedelta = timedelta()


def honest() -> Habit:
    """Forgets when the TTL says so."""
    return Habit()


def pool(caches: int) -> Habit:
    """Picks one of several independent caches for each question; NSID tells which."""
    return Habit(caches=caches)


def ttl_floor(seconds: int) -> Habit:
    """Raises smaller TTLs to a floor, as some carriers do."""
    return Habit(ttl_floor=seconds)


def serve_stale() -> Habit:
    """Answers what has expired while no authority can be reached (RFC 8767)."""
    return Habit(serves_stale=True)


def override(rrsets: Iterable[RRset], error: EDECode | None = None) -> Habit:
    """Answers these for their names for ever, with a TTL that never falls."""
    return Habit(overrides=tuple(rrsets), error=error)


def slow(delay: timedelta) -> Habit:
    return Habit(delay=delay)


def shuffled() -> Habit:
    """Puts the records in any order, addresses before the CNAMEs that lead to them."""
    return Habit(manner=Manner.SHUFFLED)


def truncating() -> Habit:
    """Sends everybody to TCP."""
    return Habit(manner=Manner.TRUNCATING)


def refusing(error: EDECode | None = None) -> Habit:
    """Serves other clients than us; EDE 18 says so."""
    return Habit(manner=Manner.FAILING, rcode=Rcode.REFUSED, error=error)


def rate_limited() -> Habit:
    return Habit(manner=Manner.FAILING, rcode=Rcode.REFUSED, error=EDECode.RATE_LIMITED)


def servfail() -> Habit:
    error = EDECode.NO_REACHABLE_AUTHORITY
    return Habit(manner=Manner.FAILING, rcode=Rcode.SERVFAIL, error=error)


def wrong_id() -> Habit:
    """Answers under another ID, as a forger does who has to guess it."""
    return Habit(manner=Manner.WRONG_ID)


def wrong_question() -> Habit:
    """Answers another question than was asked."""
    return Habit(manner=Manner.WRONG_QUESTION)


def garbage() -> Habit:
    """Answers random octets."""
    return Habit(manner=Manner.GARBAGE)


def dead() -> Habit:
    """Reads and never answers."""
    return Habit(manner=Manner.DEAD)
