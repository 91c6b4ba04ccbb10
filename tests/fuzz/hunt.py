"""Search for inputs of one target that break it, in a process of its own.

    python -m tests.fuzz.hunt TARGET SECONDS FOUND KEPT CRASHES

With atheris the search is led by what the inputs reach; without it, kept inputs are changed by
lot. Both tell of themselves in the words of libFuzzer, and end with another code than 0 at the
first input that breaks something, which is then in a file below CRASHES.
"""

import argparse
import importlib.util
import logging
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from random import Random
from types import FrameType

import structlog

from tests.fuzz import corpus, targets
from tests.fuzz.mutations import mutated
from tests.fuzz.target import Target

IS_GUIDED = importlib.util.find_spec("atheris") is not None

_LONGEST = 10  # seconds for one input
_MOST_MEMORY = 2048  # MiB
_BROKEN = 77  # as libFuzzer ends
_PULSE = 0.5  # seconds


def main(words: Sequence[str]) -> int:
    asked = _parse(words)
    be_quiet()
    crashes = asked.crashes / asked.target
    for folder in (asked.found, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    if IS_GUIDED:
        return _guided(asked, crashes)
    return _by_lot(targets.load(asked.target), asked.seconds, asked.found, crashes)


def be_quiet() -> None:
    """Drop what the program logs of hostile input: it would bury what the search tells."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.hunt")
    parser.add_argument("target")
    parser.add_argument("seconds", type=int)
    for folder in ("found", "kept", "crashes"):
        parser.add_argument(folder, type=Path)
    return parser.parse_args(words)


def _guided(asked: argparse.Namespace, crashes: Path) -> int:
    import atheris  # noqa: PLC0415 - not everybody has it

    watched = ["monitor", *targets.BESIDE.get(asked.target, ())]
    with atheris.instrument_imports(include=watched, exclude=[*targets.UNWATCHED]):
        target = targets.load(asked.target)
    with tempfile.TemporaryDirectory() as place:  # whoever started us removes it
        seeds, words = Path(place) / "seeds", Path(place) / "words"
        corpus.write(seeds, target.seeds())
        words.write_text("".join(_quoted(word) for word in target.words))
        sources = [str(folder) for folder in (asked.kept, seeds) if folder.is_dir()]
        options = [
            *(f"-max_total_time={asked.seconds}", f"-max_len={target.most}"),
            *(f"-timeout={_LONGEST}", f"-rss_limit_mb={_MOST_MEMORY}"),
            *(f"-artifact_prefix={crashes}/", "-print_final_stats=1"),
            *([f"-dict={words}"] if target.words else ()),
        ]

        def mutate(data: bytes, most: int, seed: int) -> bytes:
            random = Random(seed)
            if target.mutate is None or random.random() < 0.5:
                return bytes(atheris.Mutate(data, most))
            return target.mutate(data, random)[:most]

        places = [str(asked.found), *sources]
        atheris.Setup([sys.argv[0], *options, *places], target.judge, custom_mutator=mutate)
        atheris.Fuzz()  # it ends the process
    return 0


def _quoted(word: bytes) -> str:
    return '"' + "".join(f"\\x{octet:02x}" for octet in word) + '"\n'


def _by_lot(target: Target, seconds: int, found: Path, crashes: Path) -> int:
    known = [*corpus.inputs_of(target), *corpus.inputs_in(found)]
    random, began, told, done = Random(target.name), time.monotonic(), 0.0, 0
    signal.signal(signal.SIGALRM, _too_long)
    while (spent := time.monotonic() - began) < seconds or done < len(known):
        is_kept = done < len(known)
        data = known[done] if is_kept else mutated(target, random.choice(known), known, random)
        if not _holds(target, data, crashes):
            return _BROKEN
        done += 1
        if spent - told > _PULSE:
            told = spent
            _say(f"#{done}\tpulse  corp: {len(known)} exec/s: {done / spent:.0f}")
    _say(f"stat::number_of_executed_units: {done}\nstat::new_units_added: 0")
    return 0


def _holds(target: Target, data: bytes, crashes: Path) -> bool:
    signal.setitimer(signal.ITIMER_REAL, _LONGEST)
    try:
        target.judge(data)
    except Exception:  # noqa: BLE001 - whatever it is, it is what we look for
        _say(traceback.format_exc())
        file = crashes / f"crash-{corpus.name_of(data)}"
        file.write_bytes(data)
        _say(f"Test unit written to {file}")
        return False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return True


def _too_long(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"longer than {_LONGEST} s over one input")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
