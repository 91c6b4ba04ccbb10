"""A target that something breaks, to show that a search finds what it looks for."""

from collections.abc import Iterator

from tests.fuzz.target import Target


def judge(data: bytes) -> None:
    """Break at two octets, one after the other."""
    if data[:1] == b"o" and data[1:2] == b"n":
        raise RuntimeError("the planted crash")


def _seeds() -> Iterator[bytes]:
    yield b"off"


TARGETS = (Target("planted", judge, _seeds, (b"on", b"of"), None, 16),)
