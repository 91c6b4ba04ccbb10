"""`audit` as users give it, on the database of a daemon that lived through a change.

But for one, the commands run in this process: a process for each would take minutes.
"""

import asyncio
import csv
import json
import re
import sqlite3
import tomllib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from monitor.adapters.stores.copying import copy
from monitor.adapters.stores.postgresql import PostgresqlDatabase
from monitor.adapters.stores.session import Access
from monitor.adapters.stores.sqlite import SqliteDatabase
from monitor.cli.app import run_command
from monitor.demo.landscape import MODIFIED, NEW_TARGET, OLD_TARGET
from tests.cli.commands import Finished, run
from tests.entrypoints.report.sample import TEXT
from tests.servers.postgresql import Postgresql
from tests.whole.shop import Shop, eventually, open_shop

NOTE = TEXT[:900]


def _only(names: tuple[str, ...]) -> Callable[[str], str]:
    def keep(text: str) -> str:
        head, *resolvers = text.split("[[resolvers]]")
        kept = [block for block in resolvers if any(f'name = "{name}"' in block for name in names)]
        return "[[resolvers]]".join([head, *kept])

    return keep


async def _lived(folder: Path) -> None:
    async with open_shop(folder, _only(("honest", "pool"))) as shop:
        (folder / "config.toml").write_text(shop.text)
        told = {"domain": MODIFIED, "to": NEW_TARGET, "by": "=ops", "note": NOTE}
        assert (await shop.announce(told)).status_code == 201
        for authority in shop.world.authorities:
            shop.world.modify(authority)

        async def settled() -> bool:
            return bool((await shop.change(MODIFIED))["state"] == "settled")

        await eventually(settled)
        await _report_of_the_page(shop, folder)


async def _report_of_the_page(shop: Shop, folder: Path) -> None:
    number = (await shop.change(MODIFIED))["id"]
    reply = await shop.get(f"api/v1/changes/{number}/report?format=json&lang=en")
    (folder / "from_api.json").write_bytes(reply.content)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lived")
    asyncio.run(_lived(folder))
    text = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(text.replace(str(folder), "."))
    return folder


@dataclass(frozen=True, slots=True)
class Desk:
    folder: Path
    captured: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    server: Postgresql | None = None  # where the database is not a file

    def audit(self, *arguments: str, lang: str = "C.UTF-8") -> Finished:
        return self.run("audit", *arguments, "-c", "config.toml", lang=lang)

    def run(self, *arguments: str, lang: str = "C.UTF-8") -> Finished:
        self.patch.setenv("LANG", lang)
        code = run_command(arguments)
        return Finished(code, *self.captured.readouterr())

    @property
    def number(self) -> str:
        return str(
            json.loads(self.run("changes", "--json", "-c", "config.toml").out)["items"][0]["id"]
        )

    def document(self, *arguments: str) -> Any:
        done = self.audit(*arguments)
        assert done.code == 0, done.err
        return json.loads(done.out)

    def spoil(self, statement: str) -> None:
        if self.server is not None:
            url = self.server.newest
            self.server.tell(url, "ALTER TABLE event DISABLE TRIGGER event_is_append_only")
            self.server.tell(url, statement)
            return
        with sqlite3.connect(self.folder / "shop.db") as connection:
            for trigger in ("event_is_never_changed", "event_is_never_removed"):
                connection.execute(f"DROP TRIGGER {trigger}")
            connection.execute(statement)
        connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """In which kind of database the daemon keeps what it knows."""
    return str(request.param)


@pytest.fixture
def desk(
    kind: str,
    lived: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Desk:
    folder = Path(copytree(lived, tmp_path / "desk"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "160")
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    if kind == "sqlite":
        return Desk(folder, capsys, monkeypatch)
    server: Postgresql = request.getfixturevalue("shared_postgresql")
    source, target = folder / "shop.db", server.fresh()
    with (
        closing(SqliteDatabase(source, Access.OWN)) as original,
        closing(PostgresqlDatabase(target, Access.OWN)) as other,
    ):
        copy(original, other)
    source.unlink()
    _name_database(folder, target)
    return Desk(folder, capsys, monkeypatch, server)


def _name_database(folder: Path, url: str) -> None:
    config = folder / "config.toml"
    config.write_text(re.sub(r'(?<=database = )"[^"]+"', f'"{url}"', config.read_text()))


def test_a_report_and_a_check_as_processes(desk: Desk) -> None:
    done = run("audit", "report", desk.number, "-c", "config.toml", at=desk.folder)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("<!doctype html>")
    # A pipe in text mode makes line feeds of all line ends, also of those in a note.
    assert done.out == desk.audit("report", desk.number).out.replace("\r\n", "\n")
    checked = run("audit", "verify", "-c", "config.toml", at=desk.folder)
    assert (checked.code, checked.err) == (0, "")


def test_a_change_is_shown(desk: Desk) -> None:
    number = desk.number
    shown = desk.run("changes", "show", number, "-c", "config.toml")
    assert (shown.code, shown.err) == (0, "")
    assert NEW_TARGET in shown.out


def test_a_change_is_reported_on_from_the_first_look_to_the_last(desk: Desk) -> None:
    number = desk.number
    found = desk.document("report", number, "--format", "json")
    change = found["change"]
    assert (change["id"], change["state"], change["note"]) == (number, "settled", NOTE)
    assert (change["old"], change["new"]) == (OLD_TARGET, NEW_TARGET)
    assert found["progress"]["seen"][-1]["share"] == 1.0
    took = [found["progress"]["reached"][share]["after_seconds"] for share in ("0.50", "1.00")]
    assert took == sorted(took)
    kinds = {event["type"] for event in found["events"]}
    assert {"change_announced", "authority_agreed", "census_done", "converged"} <= kinds
    assert {"settled", "status", "track_state"} <= kinds
    answers = found["answers"]
    assert {answer["resolver"] for answer in answers} >= {"honest", "pool"}
    assert any(f"{MODIFIED}. " in answer["text"] for answer in answers)
    assert all(answer["transport"] and answer["at"] for answer in answers)


@pytest.mark.parametrize("form", ["html", "md", "json", "csv"])
def test_the_same_records_give_the_same_octets(desk: Desk, form: str) -> None:
    number = desk.number
    once = desk.audit("report", number, "--format", form, "-o", "once")
    again = desk.audit("--change", number.lower(), "--format", form)
    assert once.code == again.code == 0, once.err + again.err
    assert once.out == ""
    written = (desk.folder / "once").read_bytes().decode()
    assert written == again.out


def test_the_page_of_the_daemon_says_what_the_command_says(desk: Desk) -> None:
    of_page = json.loads((desk.folder / "from_api.json").read_bytes())
    of_command = desk.document("report", desk.number, "--format", "json")
    assert of_page["change"]["id"] == of_command["change"]["id"]
    shared = len(of_page["events"])
    assert of_page["events"] == of_command["events"][:shared]


def test_a_report_is_in_the_language_that_is_wanted(desk: Desk) -> None:
    number = desk.number
    assert '<html lang="zh-CN">' in desk.audit("report", number, lang="zh_CN.UTF-8").out
    assert '<html lang="en">' in desk.audit(
        "report", number, "--lang", "en", lang="zh_CN.UTF-8"
    ).out  # fmt: skip


def test_a_report_may_be_as_of_a_later_moment(desk: Desk) -> None:
    later = desk.document("report", desk.number, "--format", "json", "--at", "2126-01-01T00:00Z")
    assert later["at"] == "2126-01-01T00:00:00.000Z"
    now = desk.document("report", desk.number, "--format", "json", "--at", "now")
    assert now["at"] < later["at"]


def test_the_changes_of_a_domain_are_reported_on_together(desk: Desk) -> None:
    found = desk.document("--domain", MODIFIED, "--format", "json")
    assert [item["change"]["id"] for item in found["items"]] == [desk.number]
    none = desk.document("--domain", MODIFIED, "--until", "2020-01-01", "--format", "json")
    assert none == {"items": []}
    since = desk.document("--domain", MODIFIED, "--since", "2020-01-01", "--format", "json")
    assert len(since["items"]) == 1


def test_no_cell_of_the_table_is_a_formula(desk: Desk) -> None:
    desk.audit("report", desk.number, "--format", "csv", "-o", "report.csv")
    written = (desk.folder / "report.csv").read_bytes()
    assert written.count(b"\r\n") > 10
    rows = list(csv.DictReader(StringIO(written.decode(), newline="")))
    assert rows[0]["text"].startswith("'=ops: ")
    assert {row["resolver"] for row in rows if row["row"] == "resolver"} == {"honest", "pool"}


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report", "01ARZ3NDEKTSV4RRFFQ69G5FAV"), "there is no change"),
        (("report", "x", "--format", "pdf"), "html, markdown, json, csv"),
        (("report", "x", "--lang", "fr"), "one of en, zh"),
        (("report", "x", "--at", "soon"), "--at: 'soon' is no time"),
        ((), "--change"),
        (("--change", "x", "--domain", "y"), "--change"),
        (("--domain", "shop.example", "--since", "x"), "--since"),
        (("--domain", ".."), "is no domain name"),
        (("verify", "--head", "12"), "SEQ:HASH"),
        (("replay", "--change", "x"), "there is no change"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_with_what_to_give(
    desk: Desk, arguments: tuple[str, ...], said: str
) -> None:
    done = desk.audit(*arguments)
    assert done.code == 3
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["verify", "replay", "report"])
def test_without_a_log_there_is_nothing_to_audit(desk: Desk, command: str) -> None:
    if desk.server is None:
        (desk.folder / "shop.db").unlink()
    else:
        _name_database(desk.folder, desk.server.fresh())
    more = ("01ARZ3NDEKTSV4RRFFQ69G5FAV",) if command == "report" else ()
    done = desk.audit(command, *more)
    assert done.code == 3
    assert "there is no" in done.err


def test_a_log_as_it_was_written_is_intact(desk: Desk) -> None:
    done = desk.audit("verify")
    assert done.code == 0, done.out
    assert "intact" in done.out
    (head,) = (line.split()[1] for line in done.out.split("\n") if line.startswith("head "))
    again = desk.audit("verify", "--head", head, "--json")
    assert again.code == 0
    found = json.loads(again.out)
    assert (found["intact"], found["findings"], found["exit_code"]) == (True, [], 0)
    assert f"{found['head']['seq']}:{found['head']['hash']}" == head


@pytest.mark.parametrize(
    ("statement", "kind", "seq"),
    [
        ("UPDATE event SET at = '2020-01-01T00:00:00+00:00' WHERE seq = 7", "edited", 7),
        ("UPDATE event SET data = '{}' WHERE seq = 9", "edited", 9),
        ("DELETE FROM event WHERE seq = 5", "missing", 5),
        ("DELETE FROM event WHERE seq = 1", "missing", 1),
        ("DELETE FROM event WHERE seq > 20", "untold", 21),
        ("UPDATE event SET seq = 10000 WHERE seq = 3", "missing", 3),
    ],
)
def test_whoever_touches_the_log_is_found_at_the_record(
    desk: Desk, statement: str, kind: str, seq: int
) -> None:
    desk.spoil(statement)
    done = desk.audit("verify", "--json")
    assert done.code == 2
    first = json.loads(done.out)["findings"][0]
    assert (first["kind"], first["seq"]) == (kind, seq)
    said = desk.audit("verify").out
    assert "tampered with" in said
    assert f"{seq}" in said
    assert "被改动" in desk.audit("verify", lang="zh_CN.UTF-8").out


def test_a_cut_end_is_found_by_an_earlier_head(desk: Desk) -> None:
    head = desk.document("verify", "--json")["head"]
    desk.spoil(f"DELETE FROM event WHERE seq = {head['seq']}")
    assert desk.audit("verify").code == 0  # by itself nobody can know
    done = desk.audit("verify", "--head", f"{head['seq']}:{head['hash']}")
    assert done.code == 2
    assert "noted" in done.out


def test_stored_answers_are_judged_again_by_the_rules_of_now(desk: Desk) -> None:
    found = desk.document("replay", "--json")
    assert found["judged"] > 20
    assert found["differing"] == []
    stricter = '\n[targets]\naccept_classes = ["accelerate"]\naccept = []\n'
    config = desk.folder / "config.toml"
    config.write_text(config.read_text() + stricter)
    done = desk.audit("replay", "--json")
    assert done.code == 1
    first = json.loads(done.out)["differing"][0]
    assert first["before"]["verdict"] == "in_effect"
    assert first["now"]["verdict"] == "other_endpoint"
    said = desk.audit("replay").out
    assert f"#{first['seq']}" in said
    assert "判定" in desk.audit("replay", lang="zh_CN.UTF-8").out


def test_the_answers_of_a_change_become_test_cases(desk: Desk) -> None:
    done = desk.audit("replay", "--change", desk.number.lower(), "--export", "cases.toml")
    assert done.code == 0, done.err
    cases = tomllib.loads((desk.folder / "cases.toml").read_text(encoding="utf-8"))["case"]
    assert "in_effect" in {case["verdict"] for case in cases}
    assert {case["asked"] for case in cases} == {"authority", "resolver"}
