"""A few of the faults, quickly; `make chaos` plays them all."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos import __main__ as command
from tests.chaos import table
from tests.chaos.fault import Fault, Outcome
from tests.chaos.faults import FAULTS
from tests.chaos.run import WHERE, outcome_of, run_all
from tests.chaos.runner import Runner
from tests.chaos.scene import DATABASE, open_scene

QUICK = ("api: 403 for every bucket", "kill -9 at rest")
KEPT = Outcome((), 1, 1, 2.5, "")


@pytest.mark.parametrize("name", QUICK)
async def test_a_fault_is_survived(name: str, tmp_path: Path) -> None:
    (fault,) = (one for one in FAULTS if one.name == name)
    outcome = await outcome_of(fault, tmp_path)
    assert outcome.kept, outcome


async def test_a_scene_sees_what_was_removed_from_the_log(tmp_path: Path) -> None:
    async with open_scene(tmp_path) as scene:
        with scene.fault():
            await scene.until_followed()
            await scene.runner.kill()
            _remove_the_last_record(tmp_path / DATABASE)
            await scene.runner.start()
        outcome = await scene.judged()
    assert outcome.lost, "a check that cannot fail is none"


def _remove_the_last_record(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER event_is_never_removed")
        connection.execute("DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)")


def test_the_names_of_faults_are_different() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


async def test_a_fault_that_cannot_be_played_or_has_no_end_has_kept_nothing(
    tmp_path: Path,
) -> None:
    async def broken(_: Path) -> Outcome:
        raise RuntimeError("no such server")

    async def endless(_: Path) -> Outcome:
        await asyncio.Event().wait()
        return KEPT

    outcome = await outcome_of(Fault("broken", "", broken), tmp_path)
    assert (outcome.kept, outcome.remark) == (False, "RuntimeError: no such server")
    outcome = await outcome_of(Fault("endless", "", endless, within=0.1), tmp_path)
    assert not outcome.kept


def test_only_a_fault_that_broke_a_promise_leaves_what_the_daemon_said(tmp_path: Path) -> None:
    async def broken(folder: Path) -> Outcome:
        await (await started(folder)).close()
        raise RuntimeError("no such server")

    async def kept(folder: Path) -> Outcome:
        await (await started(folder)).close()
        return KEPT

    async def started(folder: Path) -> Runner:
        (folder / "config.toml").write_text("nonsense")
        runner = Runner(folder, {})
        await runner.start()
        await runner.ended()
        return runner

    faults = [Fault("broken", "", broken), Fault("kept", "", kept)]
    (_, _, left), _ = run_all(faults, tmp_path)
    assert list(tmp_path.iterdir()) == [left]
    assert "config.toml" in (left / "daemon.log").read_text()
    assert 'RuntimeError("no such server")' in (left / WHERE).read_text()


def test_the_table_is_written_between_its_markers(tmp_path: Path) -> None:
    async def unused(_: Path) -> Outcome:
        return KEPT

    page = tmp_path / "faults.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    rows = [
        (Fault("kill|9", "it dies", unused), KEPT),
        (Fault("full", "no room", unused), Outcome(("a record",), 2, 1, None, "", ("a page",))),
    ]
    table.write_between(page, table.markdown(rows))
    written = page.read_text()
    assert written.startswith("before\n") and written.endswith("after\n")
    assert "old" not in written
    assert "| kill\\|9: it dies | nothing | 1 of 1 | 2.5 s |  |" in written
    assert "| full: no room | 1 | 2 of 1 | never | a record; false page: a page |" in written
    page.write_text("no markers")
    with pytest.raises(ValueError, match="has no"):
        table.write_between(page, "")


def test_the_command_lists_what_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list", "--only", "kill -9 at rest"]) == 0
    assert capsys.readouterr().out.startswith("kill -9 at rest: ")
    assert command.main(["--only", "no such fault"]) == 2
