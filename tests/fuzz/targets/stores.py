"""What was stored and may have been altered since: it is found, or refused, and breaks nothing."""

import hashlib
import json
import sqlite3
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from random import Random
from typing import Any

from monitor.adapters.resolvers.hearing import heard
from monitor.adapters.stores.backing_up import back_up
from monitor.adapters.stores.details import packed_records, records_of, zipped
from monitor.adapters.stores.outline import drawn, gists_of, outline_of, packed_outline
from monitor.adapters.stores.rows import EventRow, logged_of, record_of, sealed
from monitor.adapters.stores.session import Access
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.adapters.stores.views import joined, packed_views, spells_in, views_of
from monitor.core.bindings import BucketTarget
from monitor.core.events import GENESIS, Event, EventType, Record, evidence_of
from monitor.core.names import DomainName
from monitor.core.pruning import pruned_event
from monitor.core.replay import Replay
from monitor.core.tampering import Head, Inspection, turn_told
from monitor.core.targets import TargetPolicy
from monitor.entrypoints.documents import record_document
from monitor.entrypoints.scenario_toml import scenario_toml
from monitor.ports import StoreError
from monitor.usecases.replay import replay
from monitor.usecases.verify import verify
from tests.contracts.followed import stages, told_steps
from tests.core.samples import DOMAIN, MINUTE, START
from tests.entrypoints.sample import IMG, sample_snapshot
from tests.fuzz.scratch import folder, loop
from tests.fuzz.target import Target

_COLUMNS = 10
_NULLABLE = frozenset({2, 3, 4})  # domain, resolver, change
_TEXTS = slice(6, 8)  # in which a row holds JSON


def judge_log(data: bytes) -> None:
    """A log that is found intact has the hashes of its content, by a sum of our own."""
    rows = _rows(data)
    logged = [logged_of(row) for row in rows]
    found = Inspection().along(logged).ended()
    if found.is_intact and not found.is_pruned:
        assert _is_chained(rows)
    for one in logged:
        if one.record is not None:
            turn_told(one.record)
    _replay([record for row in rows if (record := _record(row)) is not None])


def _record(row: EventRow) -> Record | None:
    try:
        return record_of(row)
    except ValueError:  # which the store tells as a failure of its own
        return None


def _replay(records: Sequence[Record]) -> None:
    """Whatever was stored can be judged again, shown, and written as test cases."""
    judging = Replay(TargetPolicy(), heard)
    log = _Log(tuple(sorted(records, key=lambda record: record.seq)))
    replayed = loop().run_until_complete(replay(log, judging, None)) if records else None
    for record in records:
        json.dumps(record_document(record))
    if replayed is not None:
        cases = tomllib.loads(scenario_toml(replayed.answers, "Fuzzed.", {}))
        assert len(cases.get("case", [])) <= len(replayed.answers)


class _Log:
    def __init__(self, records: tuple[Record, ...]) -> None:
        self._records = records

    async def records(self, after: int, limit: int) -> tuple[Record, ...]:
        return tuple(record for record in self._records if record.seq > after)


def _rows(data: bytes) -> list[EventRow]:
    """Return rows as a database may hold them, of a list in JSON.

    JSON in a row may be written out; a hash that is not given is the right one, as somebody makes
    it who knows how we seal.
    """
    try:
        written = json.loads(data)
    except (ValueError, RecursionError):
        return []
    rows, before = list[EventRow](), GENESIS
    for item in written if isinstance(written, list) else ():
        if not isinstance(item, list) or len(item) != _COLUMNS or not _is_number(item[0]):
            continue
        item[_TEXTS] = [_as_text(value) for value in item[_TEXTS]]
        texts = [_column(number, value) for number, value in enumerate(item[1:])]
        prev_hash = texts[-2] or before
        digest = texts[-1] or _sum((item[0], *texts[:-2], prev_hash)) or GENESIS
        if any(_is_no_text(text) for text in texts):
            continue
        row: Any = (item[0], *texts[:-2], prev_hash, digest)
        rows.append(row)
        before = digest
    return rows


def _column(number: int, value: object) -> str | None:
    """Return what the schema lets a column hold."""
    if value is None:
        return None if number in _NULLABLE else ""
    return _as_text(value)


def _is_number(value: object) -> bool:
    return type(value) is int and abs(value) < 2**63  # as SQLite has them


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_no_text(value: str | None) -> bool:
    return value is not None and any("\ud800" <= letter <= "\udfff" for letter in value)


def _sum(row: Sequence[Any]) -> str | None:
    """Return the hash of the content of a row, as docs/audit.md tells how to make it."""
    seq, at, kind, domain, resolver, change, data, evidence, prev_hash = row
    try:
        content = {
            "seq": seq, "at": at, "type": kind, "domain": domain, "resolver": resolver,
            "change": change, "data": json.loads(data), "evidence": json.loads(evidence),
            "prev_hash": prev_hash,
        }  # fmt: skip
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
    except (ValueError, TypeError, RecursionError):
        return None


def _is_chained(rows: Sequence[EventRow]) -> bool:
    before = GENESIS
    for number, row in enumerate(rows, start=1):
        if row[0] != number or row[-2] != before or row[-1] != _sum(row[:-1]):
            return False
        before = row[-1]
    return True


def judge_details(data: bytes) -> None:
    """Packed details are read and pack again to what means the same, or are a ValueError."""
    kind, rest = data[:1], data[1:]
    try:
        if kind == b"r":
            records = records_of(zipped(rest))
            assert records_of(packed_records(records.values())) == records
        elif kind == b"o":
            outline_of(packed_outline(rest))
        elif kind == b"g":
            gists_of(rest.decode("utf-8", "replace"))
        elif kind == b"v":
            spells, heard_json, wires = (*rest.split(b"\0", 2), b"", b"")[:3]
            packed = joined(spells, heard_json, wires)
            spells_in(packed)
            found = views_of(packed)
            assert views_of(packed_views(found.values())) == found
        else:
            for read in (records_of, outline_of, spells_in, views_of):
                _read(read, rest)
    except ValueError:
        return


def _read(read: Any, packed: bytes) -> None:
    try:
        read(packed)
    except ValueError:
        return


def judge_file(data: bytes) -> None:
    """Of a damaged database either all that it says is as before, or it is found, or refused."""
    place = folder()
    file, copy = place / "altered.db", place / "copy.db"
    for old in place.glob("*.db*"):
        old.unlink()
    base, head, rows = _base()
    file.write_bytes(_edited(base, data))
    loop().run_until_complete(_look_through(SqliteStore(file, Access.READ), file, head, rows))
    if data[:1] == b"\1":
        try:
            back_up(file, copy)
        except StoreError:
            return
        assert copy.is_file()


async def _look_through(
    store: SqliteStore, file: Any, head: Head, rows: list[tuple[Any, ...]]
) -> None:
    try:
        found = await verify(store, head)
        if found.is_intact and found.head == head and not found.is_pruned:
            assert _events(file) == rows
        await replay(store, Replay(TargetPolicy(), heard), None)
    except StoreError:
        pass
    try:
        await store.load()
    except StoreError:
        pass
    finally:
        await store.close()


def _edited(base: bytes, edits: bytes) -> bytes:
    """Return the file with other octets at some places, and perhaps cut off."""
    other = bytearray(base)
    for at in range(1, len(edits) - 3, 4):
        place = int.from_bytes(edits[at : at + 3])
        if place >= 0xFF0000:
            del other[place % len(base) or len(base) :]
        elif other:
            other[place % len(other)] = edits[at + 3]
    return bytes(other)


def _events(file: Any) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(file)
    try:
        return connection.execute("SELECT * FROM event ORDER BY seq").fetchall()
    finally:
        connection.close()


@cache
def _base() -> tuple[bytes, Head, list[tuple[Any, ...]]]:
    """Return a small database, its newest record, and its log."""
    file = folder() / "base.sqlite"

    async def write() -> None:
        store = SqliteStore(file)
        for step in told_steps():
            await store.commit(step)
        await store.close()

    loop().run_until_complete(write())
    rows = _events(file)
    return file.read_bytes(), Head(rows[-1][0], rows[-1][-1]), rows


def _other_place(data: bytes, random: Random) -> bytes:
    if random.random() < 0.2:
        return data[: 1 + 4 * random.randrange(len(data) // 4 + 1)]
    base, _, _ = _base()
    at = random.randrange(len(base))
    if random.random() < 0.7:  # where something stands
        at = next((n for n in range(at, len(base)) if base[n]), at)
    octet = random.choice((0, 1, 0x20, 0x7F, 0x80, 0xFF, base[at] ^ 1, base[at] ^ 0x20))
    return (data or b"\0") + at.to_bytes(3) + bytes([octet])


_WRONG: tuple[Any, ...] = (
    None,
    "",
    "x",
    1,
    -1,
    [],
    {},
    [1],
    {"a": 1},
    "2026-01-01T00:00:00",
    "[]",
    '["x"]',
    "\x1b[31m",
)


def _other_cell(data: bytes, random: Random) -> bytes:
    """Put something else into a row, and perhaps seal what follows anew."""
    try:
        rows = json.loads(data)
        row = random.choice(rows)
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        return data
    if not isinstance(row, list) or len(row) != _COLUMNS:
        return data
    column = random.randrange(_COLUMNS)
    place = row[column]
    if isinstance(place, dict) and place and random.random() < 0.8:
        place[random.choice(list(place))] = random.choice(_WRONG)
    elif isinstance(place, list) and place and random.random() < 0.8:
        place[random.randrange(len(place))] = random.choice(_WRONG)
    else:
        row[column] = random.choice(_WRONG)
    if random.random() < 0.7:
        for other in rows[rows.index(row) :]:
            other[-2:] = ["", ""]
    return json.dumps(rows, ensure_ascii=False).encode("utf-8", "replace")


def _logs() -> Iterator[bytes]:
    events = [event for step in told_steps() for event in step.events][:4]
    target = BucketTarget("shop-a", DomainName("oss-cn-hangzhou.aliyuncs.com"))
    bound: Mapping[str, Any] = {"target": target.name.text, "bucket": "shop-a", "endpoint": "x.y"}
    views = sample_snapshot().state.domains[IMG].resolvers.values()
    shown = tuple(evidence_of(view.sighting) for view in views)[:3]
    for log in (
        events,
        [
            Event(EventType.BINDING_ADDED, START, DOMAIN, data=bound),
            Event(EventType.STATUS, START + MINUTE, DOMAIN, evidence=shown),
            Event(EventType.BINDING_MOVED, START, DOMAIN, data={"from": bound, "to": bound}),
        ],
    ):
        yield json.dumps([list(row) for row in _sealed_rows(log)], ensure_ascii=False).encode()
    pruned = pruned_event(Record(6, events[0], GENESIS, "a" * 64), START, START)
    row: list[Any] = list(_sealed_rows([pruned])[0])
    yield json.dumps([[7, *row[1:-2], "a" * 64, ""]]).encode()
    wrong: tuple[Any, ...] = (
        {"through": 6, "hash": "a" * 64, "before": "x"},
        [],
        {"through": 6, "before": START.isoformat()[:19]},
    )
    for data in wrong:
        cells: list[Any] = [7, row[1], "log_pruned", None, None, None, data, [], "a" * 64, ""]
        yield json.dumps([cells]).encode()
    yield json.dumps([[1, row[1], "status", "a.b", None, None, {}, ["x"], "", ""]]).encode()
    yield json.dumps([[1, row[1], "status", "a.b", None, None, "{}", "1", "", ""]]).encode()
    yield json.dumps([[1, row[1], "stop", None, None, None, "{}", "[" * 900, "", ""]]).encode()


def _sealed_rows(events: Sequence[Event]) -> list[EventRow]:
    rows, before = list[EventRow](), GENESIS
    for seq, event in enumerate(events, start=1):
        record, row = sealed(event, seq, before)
        rows.append(row)
        before = record.hash
    return rows


def _details() -> Iterator[bytes]:
    state = sample_snapshot().state.domains[IMG]
    outline, gists = drawn(state)
    yield b"g" + gists.encode()
    yield b"\0" + outline
    yield b"\0" + packed_views(state.resolvers.values())
    yield b"\0" + packed_records(stages()[:1])
    yield b"r[]"
    yield b"v{}\0[]\0"
    yield b"o[[],null,null,[],null,null,[],false,null,null,[]]"


def _edits() -> Iterator[bytes]:
    yield b"\0"
    yield b"\1"
    yield b"\1\0\0\x10\xff"
    yield b"\1\xff\x10\0\0"


_LOG_WORDS = (
    *(f'"{kind.value}"'.encode() for kind in list(EventType)[:8]),
    *(b'"log_pruned"', b'"through":', b'"before":', b'"wire":', b"[]", b"{}", b"null", b"-1"),
)
_DETAIL_WORDS = (b"null", b'"in_effect"', b"[]", b"{}", b"true", b"\0", b"PT1S", b"1e999")

TARGETS = (
    Target("audit_log", judge_log, _logs, _LOG_WORDS, _other_cell, 16_384),
    Target("details", judge_details, _details, _DETAIL_WORDS, None, 8192),
    Target("database_file", judge_file, _edits, (), _other_place, 256),
)
