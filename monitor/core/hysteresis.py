"""Believe a change only after it was seen in several rounds on end."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settled(Generic[T]):
    """A value that is believed, and in how many rounds on end another one was seen."""

    value: T
    contradicted: int = 0

    def see(self, seen: T, *, needed: int) -> "Settled[T]":
        """Return the belief after one more round; `needed` rounds in a row change it."""
        if seen == self.value:
            return Settled(self.value)
        if self.contradicted + 1 >= needed:
            return Settled(seen)
        return Settled(self.value, self.contradicted + 1)
