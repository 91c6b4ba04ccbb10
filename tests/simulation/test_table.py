import pytest

from tests.simulation import __main__ as command
from tests.simulation.kinds import Kind
from tests.simulation.lineup import MONITORS


def test_the_table_has_a_line_for_every_monitor_and_every_kind(
    capsys: pytest.CaptureFixture[str],
) -> None:
    monitors = ["--monitor", "bound only", "--monitor", "naive 900 s, 3 equal"]
    command.main(["--seeds", "60", "--processes", "1", *monitors, "--by-kind", "bound only"])
    lines = capsys.readouterr().out.splitlines()
    first_cells = [line.split("|")[1].strip() for line in lines if line.count("|") > 2]
    assert first_cells[0] == "Monitor"
    assert first_cells[2:4] == ["bound only", "naive 900 s, 3 equal"]
    assert {Kind.SINGLE.value, Kind.POOL.value} <= set(first_cells)
    assert all(line.endswith("|") for line in lines if line.startswith("|"))


def test_an_unknown_monitor_is_refused_with_the_names_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        command.main(["--monitor", "clairvoyant"])
    said = capsys.readouterr().err
    assert all(name in said for name in MONITORS)
