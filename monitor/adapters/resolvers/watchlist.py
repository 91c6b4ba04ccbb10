"""What one server last said to each numbered question: columns, since there are a million."""

from array import array
from collections.abc import Iterable
from typing import TypeAlias

from monitor.adapters.resolvers.memo import NOTHING_YET, Remembered

Seconds: TypeAlias = float  # of a clock that nobody sets

STRIDE = 32  # octets; id, TTLs and addresses of two aliases with two addresses are 26


class Watchlist:
    """`own` holds what each message did not share, its id and TTLs; what is `longer` lies apart.

    `at` and `rtt` are in seconds, `at` by the event loop's clock and 0 before the first answer.
    The engine writes to the columns directly.
    """

    __slots__ = ("at", "known", "longer", "own", "rtt")

    def __init__(self) -> None:
        self.known: list[Remembered] = []
        self.own = bytearray()
        self.longer: dict[int, bytes] = {}
        self.at = array("d")
        self.rtt = array("f")

    def grow(self, size: int) -> None:
        """Have room for questions numbered below `size`."""
        missing = size - len(self.known)
        if missing > 0:
            self.known += [NOTHING_YET] * missing
            self.own += bytes(STRIDE * missing)
            self.at.frombytes(bytes(self.at.itemsize * missing))
            self.rtt.frombytes(bytes(self.rtt.itemsize * missing))

    def note(
        self, number: int, said: Remembered, own: bytes, *, at: Seconds, rtt: Seconds
    ) -> None:
        self.known[number] = said
        self.at[number] = at
        self.rtt[number] = rtt
        if len(own) > STRIDE:
            self.longer[number] = own
        else:
            self.own[number * STRIDE : number * STRIDE + len(own)] = own

    def forget(self, number: int) -> None:
        if number < len(self.known):
            self.note(number, NOTHING_YET, b"", at=0.0, rtt=0.0)
            self.longer.pop(number, None)

    def has_answer(self, number: int) -> bool:
        """Tell whether anything was noted since the start."""
        return number < len(self.known) and self.at[number] > 0.0

    def expect(self, number: int, said: Remembered) -> None:
        """Have it recognised, should the first answer say what others' answers say."""
        if number < len(self.known) and self.known[number] is NOTHING_YET:
            self.known[number] = said

    def wire(self, number: int, question: bytes) -> bytes:
        """Return the newest message as it came, the case of its question perhaps apart."""
        known = self.known[number]
        return known.layout.joined(self._own(number), known.shared, question)

    def ttls(self, numbers: Iterable[int]) -> list[int | None]:
        """Return the TTL in seconds of each question's own record, as it was last shown."""
        known, own, at, size = self.known, self.own, self.at, len(self.known)
        found: list[int | None] = []
        for number in numbers:
            said = known[number] if number < size and at[number] else NOTHING_YET
            if said.layout.own_size <= STRIDE:
                found.append(said.ttl(own, number * STRIDE))
            else:
                found.append(said.ttl(self.longer[number]))
        return found

    def _own(self, number: int) -> bytes:
        size = self.known[number].layout.own_size
        start = number * STRIDE
        return self.longer[number] if size > STRIDE else bytes(self.own[start : start + size])
