"""Make other inputs of one, by lot: what libFuzzer does too, for where that is not at hand."""

from collections.abc import Callable, Sequence
from random import Random

from tests.fuzz.target import Target

_ODD = (0, 1, 2, 10, 32, 34, 44, 45, 58, 60, 63, 64, 91, 92, 123, 127, 128, 192, 255)


def mutated(target: Target, data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """Return another input; `others` are inputs to take parts of."""
    if target.mutate is not None and random.random() < 0.5:
        return target.mutate(data, random)[: target.most]
    words = (*target.words, *(_part(other, random) for other in others[:8]), b"\0", b"\xff\xff")
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 5))):
        random.choice(_CHANGES)(changed, words, random)
    return bytes(changed[: target.most])


def _part(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[at : at + random.randint(1, 32)]


def _flip(data: bytearray, _words: Sequence[bytes], random: Random) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _put(data: bytearray, _words: Sequence[bytes], random: Random) -> None:
    if data:
        data[random.randrange(len(data))] = random.choice(_ODD)


def _delete(data: bytearray, _words: Sequence[bytes], random: Random) -> None:
    at = random.randrange(len(data) + 1)
    del data[at : at + random.randint(1, 16)]


def _insert(data: bytearray, words: Sequence[bytes], random: Random) -> None:
    at = random.randrange(len(data) + 1)
    data[at:at] = random.choice(words)


def _replace(data: bytearray, words: Sequence[bytes], random: Random) -> None:
    at = random.randrange(len(data) + 1)
    word = random.choice(words)
    data[at : at + len(word)] = word


def _repeat(data: bytearray, _words: Sequence[bytes], random: Random) -> None:
    at = random.randrange(len(data) + 1)
    data[at:at] = data[at : at + random.randint(1, 64)] * random.choice((1, 2, 40))


def _cut(data: bytearray, _words: Sequence[bytes], random: Random) -> None:
    del data[random.randrange(len(data) + 1) :]


_CHANGES: tuple[Callable[[bytearray, Sequence[bytes], Random], None], ...] = (
    _flip,
    _put,
    _delete,
    _insert,
    _replace,
    _repeat,
    _cut,
)
