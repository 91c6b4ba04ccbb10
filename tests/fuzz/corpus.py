"""Inputs that are kept: a folder for each target, a file for each input, named by its hash."""

from collections.abc import Iterable, Iterator
from hashlib import sha1
from pathlib import Path

from tests.fuzz.target import Target

HERE = Path(__file__).parent
KEPT = HERE / "corpus"  # in the repository: small, and each input reaches something of its own
FOUND = HERE / "found"  # what the searches on this machine have found beside it
CRASHES = HERE / "crashes"

MOST_FILES = 200
MOST_OCTETS = 300_000


def name_of(data: bytes) -> str:
    """Return the name of an input's file, as libFuzzer gives it."""
    return sha1(data, usedforsecurity=False).hexdigest()


def inputs_in(folder: Path) -> Iterator[bytes]:
    """Yield the inputs in a folder, in the order of their names; nothing where there is none."""
    for file in sorted(folder.glob("?" * 40)):
        yield file.read_bytes()


def inputs_of(target: Target) -> tuple[bytes, ...]:
    """Return all that is known for a target, each once: its seeds, and what is kept."""
    kept = inputs_in(KEPT / target.name)
    return tuple(dict.fromkeys((b"", *target.seeds(), *kept)))


def write(folder: Path, inputs: Iterable[bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for data in inputs:
        (folder / name_of(data)).write_bytes(data)


def renew(target: Target, inputs: Iterable[bytes]) -> int:
    """Keep these inputs and no others, the first of them as far as they may be; count them."""
    folder, seeds, left = KEPT / target.name, set(target.seeds()), MOST_OCTETS
    for file in folder.glob("*"):
        file.unlink()
    chosen: list[bytes] = []
    for data in inputs:
        if data and data not in seeds and len(data) <= left and len(chosen) < MOST_FILES:
            left -= len(data)
            chosen.append(data)
    write(folder, chosen)
    return len(chosen)
