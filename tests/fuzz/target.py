"""What a fuzzing target is: something that judges any octets, and octets to begin with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

Judge: TypeAlias = Callable[[bytes], None]
"""Hands the octets to the code, and raises where that, or what comes of it, is not as it must."""

Mutator: TypeAlias = Callable[[bytes, Random], bytes]
"""Makes others of octets, by what they mean."""


@dataclass(frozen=True, slots=True)
class Target:
    """One place where octets come in from outside.

    `words` are what the inputs are made of; `most` octets has an input at the most.
    """

    name: str
    judge: Judge
    seeds: Callable[[], Iterable[bytes]]
    words: tuple[bytes, ...] = ()
    mutate: Mutator | None = None
    most: int = 4096
