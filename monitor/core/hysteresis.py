"""Believe a change only after it was seen in several rounds on end."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settled(Generic[T]):
    """A value that is believed, and how many rounds on end have spoken against it alike."""

    value: T
    contradicted: int = 0
    by: str = ""

    def see(self, seen: T, *, needed: int, kind: str = "") -> "Settled[T]":
        """Return the belief after one more round; `needed` rounds in a row change it.

        Rounds of the same `kind` count together: several ways of being wrong are one kind,
        not knowing is another.
        """
        if seen == self.value:
            return Settled(self.value)
        rounds = self.contradicted + 1 if kind == self.by else 1
        return Settled(seen) if rounds >= needed else Settled(self.value, rounds, kind)
