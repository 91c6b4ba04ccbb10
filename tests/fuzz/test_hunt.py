"""The searches find what breaks something, say where it is, and how to see it again."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import hunt
from tests.fuzz.mutations import mutated
from tests.fuzz.running import Outcome, Places
from tests.fuzz.running import hunt as search
from tests.fuzz.target import Target
from tests.fuzz.targets import PLANTED, load


def places(folder: Path) -> Places:
    return Places(folder / "found", folder / "kept", folder / "crashes")


def broken_in(folder: Path) -> Path:
    (file,) = (folder / "crashes" / PLANTED).iterdir()
    return file


def test_a_search_ends_at_a_planted_crash_and_keeps_the_input(tmp_path: Path) -> None:
    outcome = search(PLANTED, 120, places(tmp_path))
    assert outcome.has_failed
    assert outcome.code != 0
    assert outcome.executions > 0
    assert outcome.broken == broken_in(tmp_path)
    assert outcome.broken.read_bytes().startswith(b"on")
    assert any("the planted crash" in line for line in outcome.said)


def test_a_search_that_nothing_breaks_ends_well(tmp_path: Path) -> None:
    told = list[Outcome]()
    outcome = search("domain_name", 1, places(tmp_path), told.append)
    assert (outcome.code, outcome.broken) == (0, None), outcome.said
    assert outcome.executions > 0
    assert told


def test_without_atheris_the_crash_is_found_too(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = load(PLANTED)
    code = hunt._by_lot(target, 60, tmp_path / "found", _made(tmp_path / "crashes" / PLANTED))
    assert code != 0
    assert broken_in(tmp_path).read_bytes().startswith(b"on")
    assert f"Test unit written to {broken_in(tmp_path)}" in capfd.readouterr().err


def test_without_atheris_an_input_that_takes_for_ever_is_one_that_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(_: bytes) -> None:
        while True:
            pass

    monkeypatch.setattr(hunt, "_LONGEST", 0.2)
    target = Target(PLANTED, judge, lambda: [b"x"])
    assert hunt._by_lot(target, 1, tmp_path, _made(tmp_path / "crashes" / PLANTED)) != 0


def test_the_command_ends_with_1_and_names_the_file_and_how_to_run_it_again(
    tmp_path: Path,
) -> None:
    put = ("--corpus", str(tmp_path / "found"), "--crashes", str(tmp_path / "crashes"))
    done = _command("--only", PLANTED, "--seconds", "120", *put)
    assert done.returncode == 1, done.stdout
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("once more: "))
    assert str(broken_in(tmp_path)) in line
    again = _command(*line.split()[5:])
    assert again.returncode != 0
    assert "the planted crash" in again.stderr


def test_the_same_seed_makes_the_same_inputs() -> None:
    target = load(PLANTED)
    made = [
        [mutated(target, b"some input", [b"another"], random) for _ in range(50)]
        for random in (Random(1), Random(1), Random(2))
    ]
    assert made[0] == made[1] != made[2]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *words],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
        cwd=Path(__file__).parents[2],
    )
