"""Rows that nobody of ours wrote are refused, and found by looking through the log."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.stores import details, event_log, outline
from monitor.adapters.stores.backing_up import back_up
from monitor.adapters.stores.outline import outline_of, packed_outline
from monitor.adapters.stores.rows import logged_of, record_of
from monitor.adapters.stores.session import Access
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.events import GENESIS
from monitor.core.state import Step
from monitor.ports import StoreError
from tests.contracts.followed import told_steps

ROW: Any = (1, "2026-01-01T00:00:00+00:00", "stop", None, None, None, "{}", "[]", GENESIS, GENESIS)


def with_text(column: int, text: object) -> Any:
    return (*ROW[:column], text, *ROW[column + 1 :])


@pytest.mark.parametrize(
    "row",
    [
        *(with_text(6, text) for text in ("[]", "1", "null", '"x"', "[" * 5000)),
        *(with_text(7, text) for text in ("{}", "1", '["x"]', "[[]]", "[" * 5000)),
    ],
    ids=lambda row: f"{row[6]:.9} {row[7]:.9}",
)
def test_json_of_another_shape_makes_no_record(row: Any) -> None:
    with pytest.raises(ValueError, match=r"no |nested|evidence"):
        record_of(row)
    assert logged_of(row).record is None


def test_a_column_of_another_type_is_told_as_damage(tmp_path: Path) -> None:
    path = tmp_path / "test.db"

    async def write() -> None:
        store = SqliteStore(path)
        await store.commit(Step(events=told_steps()[5].events or told_steps()[2].events))
        await store.close()

    asyncio.run(write())
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(
        "UPDATE sqlite_master SET sql = replace(sql, 'STRICT', '') WHERE name = 'event'"
    )
    connection.commit()
    connection.close()
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER event_is_never_changed")
    connection.execute("UPDATE event SET at = x'00'")
    connection.commit()
    connection.close()

    async def read() -> None:
        store = SqliteStore(path, Access.READ)
        try:
            with pytest.raises(StoreError, match="makes no sense"):
                await store.records(0, 10)
        finally:
            await store.close()

    asyncio.run(read())


def test_an_outline_of_another_shape_is_damaged() -> None:
    text = b"[[],null,null,[],null,null,[],false,null,null,null,[0]]"
    for packed in (packed_outline(text), packed_outline(text.replace(b"null,[0]", b"[0]"))):
        with pytest.raises(ValueError, match=r"outline|validation"):
            outline_of(packed)


def test_details_that_grow_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 1 << 20
    monkeypatch.setattr(details, "MOST_UNPACKED", most)
    assert len(details.unzipped(details.zipped(b" " * most))) == most
    with pytest.raises(ValueError, match=f"more than {most} octets"):
        details.unzipped(details.zipped(b" " * (most + 1)))


def test_an_outline_that_grows_without_end_or_is_cut_off_is_refused() -> None:
    bomb = packed_outline(b"[" + b" " * outline.MOST_UNPACKED)
    assert len(bomb) < outline.MOST_UNPACKED // 500
    for packed, complaint in ((bomb, "octets"), (packed_outline(b"[]")[:-1], "cut off")):
        with pytest.raises(ValueError, match=complaint):
            outline_of(packed)


def test_a_backup_of_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, hash TEXT)")
    connection.execute("CREATE TABLE named (quite_a_name TEXT)")
    connection.commit()
    connection.close()
    path.write_bytes(path.read_bytes().replace(b"quite_a_name", b"quite_\xff_name"))
    with contextlib.suppress(StoreError):
        back_up(path, tmp_path / "copy.db")


@pytest.mark.parametrize("numbers", [(3, 2), (2, 2), (1,)])
def test_numbers_that_go_round_in_a_damaged_file_are_refused(numbers: tuple[int, ...]) -> None:
    class Circle:
        def execute(self, _statement: str, _values: object = ()) -> Any:
            return [(number, *ROW[1:]) for number in numbers]

    session: Any = Circle()
    for read in (event_log.following, event_log.logged):
        with pytest.raises(ValueError, match="one after the other"):
            read(session, 1, 10)


@pytest.mark.parametrize("column", range(1, 10))
@pytest.mark.parametrize("value", [b"2026", 1, 0.5])
def test_a_column_that_is_no_text_makes_no_record(column: int, value: object) -> None:
    with pytest.raises(ValueError, match="is no text"):
        record_of(with_text(column, value))
    assert logged_of(with_text(column, value)).record is None
