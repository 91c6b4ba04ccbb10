"""What the responder must answer, worked out apart from it."""

import re
from collections.abc import Collection
from enum import StrEnum

ZONE = "bench.example"
ENDPOINT = "oss-cn-hangzhou.aliyuncs.com"
EDGE = "cn-hangzhou.oss.edge.example"


class Answers(StrEnum):
    """How the answers to one name differ from round to round, TTLs aside."""

    SAME = "same"
    CHANGING = "changing"  # a share of the names moves to other buckets (--change)
    FRESH = "fresh"  # the second address is another one in each answer (--fresh)


def name_of(number: int) -> str:
    """Return the domain with that number."""
    return f"d{number}.{ZONE}"


def chain_of(number: int, changes: int = 0) -> tuple[str, str]:
    """Return the names that the domain leads to when its bucket has changed so often."""
    bucket = f"b{number}-{changes}" if changes else f"b{number}"
    return f"{bucket}.{ENDPOINT}", EDGE


def addresses_of(number: int) -> tuple[str, str]:
    """Return the two addresses, in the order of their text."""
    octets = (number >> 16) & 0x7F, number >> 8 & 0xFF, number & 0xFF
    high, middle, low = octets
    return f"10.{high}.{middle}.{low}", f"10.{high | 0x80}.{middle}.{low}"


class Expected:
    """The answers to all names, kept ready so that a comparison is cheap."""

    def __init__(self, names: int, answers: Answers) -> None:
        self.answers = answers
        self._of = [(chain_of(number), addresses_of(number)) for number in range(names)]

    def is_met(self, number: int, chain: tuple[str, ...], addresses: Collection[str]) -> bool:
        """Whether an answer is the right one: no dot ends a name, addresses come in any order."""
        right_chain, right_addresses = self._of[number]
        if chain == right_chain and tuple(sorted(addresses)) == right_addresses:
            return True
        match self.answers:
            case Answers.SAME:
                return False
            case Answers.CHANGING:
                return _is_some_bucket_of(number, chain) and set(addresses) == set(right_addresses)
            case Answers.FRESH:
                return chain == right_chain and _is_fresh(right_addresses[0], addresses)


def _is_some_bucket_of(number: int, chain: tuple[str, ...]) -> bool:
    bucket = rf"b{number}-[1-9][0-9]*\.{re.escape(ENDPOINT)}"
    return len(chain) == 2 and chain[1] == EDGE and re.fullmatch(bucket, chain[0]) is not None


def _is_fresh(first: str, addresses: Collection[str]) -> bool:
    others = [address for address in addresses if address != first]
    return len(addresses) == 2 and len(others) == 1 and int(others[0].split(".")[1]) >= 0x80
