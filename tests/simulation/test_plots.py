from functools import partial
from pathlib import Path

import pytest

from tests.simulation import plots
from tests.simulation.kinds import Kind
from tests.simulation.lineup import MONITORS
from tests.simulation.monitors import EqualAnswers
from tests.simulation.progress import follow
from tests.simulation.run import run_many
from tests.simulation.summary import summarise

pytest.importorskip("matplotlib", reason="only whoever draws the pictures needs matplotlib")


def test_the_same_figures_give_the_same_pictures(tmp_path: Path) -> None:
    names = ("bound only", "naive 900 s, 3 equal")
    rows = [summarise(name, run_many(range(40), MONITORS[name])) for name in names]
    curve = follow(3, partial(EqualAnswers, every=300, needed=3), "a pool", Kind.POOL)
    for folder in ("once", "again"):
        plots.save_all(rows, tmp_path / folder, [curve])
    written = sorted((tmp_path / "once").iterdir())
    assert [path.name for path in written] == ["cost.svg", "premature.svg", "progress-1.svg"]
    for path in written:
        text = path.read_text()
        assert "<dc:date>" not in text
        assert text == (tmp_path / "again" / path.name).read_text()
