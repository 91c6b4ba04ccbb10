"""What every store promises to whoever looks its audit log through."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol, TypeAlias

import pytest

from monitor.core.events import Event, EventType
from monitor.core.pruning import Pruned, pruned_event
from monitor.core.state import Step
from monitor.core.tampering import EMPTY, Finding, Head, Inspection, Tampering
from monitor.core.tracking.changes import Change
from monitor.ports import Log, Store
from monitor.usecases.verify import verify
from tests.contracts.followed import changes, told_steps
from tests.core.samples import DOMAIN, MINUTE, START


class Book(Store, Log, Protocol):
    """A store with its log."""


OpenBook: TypeAlias = Callable[[], Book]


def events(many: int) -> tuple[Event, ...]:
    return tuple(Event(EventType.STATUS, START + n * MINUTE, DOMAIN) for n in range(many))


class LogContract:
    """A store's own tests say how it is opened: `open_store`."""

    @pytest.fixture
    async def book(self, open_store: OpenBook) -> AsyncIterator[Book]:
        opened = open_store()
        yield opened
        await opened.close()

    async def test_an_empty_log_has_no_rows_and_is_intact(self, book: Book) -> None:
        assert await book.rows(after=None, limit=10) == ()
        assert await book.newest() == 0
        found = await verify(book, None)
        assert (found.is_intact, found.records, found.head) == (True, 0, EMPTY)

    async def test_rows_follow_a_number_and_hold_the_records(self, book: Book) -> None:
        kept = await book.commit(Step(events=events(5)))
        rows = await book.rows(after=None, limit=3)
        assert [row.record for row in rows] == list(kept.records[:3])
        assert [row.hash for row in await book.rows(after=3, limit=9)] == [
            record.hash for record in kept.records[3:]
        ]
        assert await book.newest() == 5

    async def test_a_long_log_is_looked_through_to_its_end(self, book: Book) -> None:
        kept = await book.commit(Step(events=events(2500)))
        advanced = list[int]()
        found = await verify(book, None, advanced.append)
        assert (found.is_intact, found.records) == (True, 2500)
        assert found.head == Head(2500, kept.records[-1].hash)
        assert sum(advanced) == 2500

    async def test_what_changes_are_known_of_the_log_tells(self, book: Book) -> None:
        steps = told_steps()
        for step in steps:
            await book.commit(step)
        assert (await verify(book, None)).is_intact

    async def test_a_change_of_which_the_log_is_silent_betrays_that_its_end_is_gone(
        self, book: Book
    ) -> None:
        known: dict[str, Change] = {}
        for step in told_steps():
            known |= {change.id: change for change in step.changes}
            await book.commit(Step(domains=step.domains, changes=step.changes))
        found = await verify(book, None)
        assert {finding.change for finding in found.findings} == set(known)
        assert {finding.kind for finding in found.findings} == {Tampering.UNTOLD}
        assert found.findings[0] == Finding(Tampering.UNTOLD, 1, change=min(known))

    async def test_a_time_is_found_by_the_first_row_of_it(self, book: Book) -> None:
        await book.commit(Step(events=events(5)))
        assert await book.first_since(START) == 1
        assert await book.first_since(START + 1.5 * MINUTE) == 3
        assert await book.first_since(START + 5 * MINUTE) is None

    async def test_a_beginning_that_was_let_go_leaves_the_rest_intact(self, book: Book) -> None:
        kept = await book.commit(Step(events=events(5), changes=changes()))
        gone = changes()[0].id
        event = pruned_event(kept.records[2], START, START + 9 * MINUTE)
        await book.commit(Step(events=(event,), pruned=Pruned(3, frozenset({gone}))))
        rows = await book.rows(after=None, limit=10)
        assert [row.seq for row in rows] == [4, 5, 6]
        assert await book.change(gone) is None
        assert len(await book.changes(limit=10)) == len(changes()) - 1
        found = Inspection().along(rows).ended()
        assert (found.is_intact, found.is_pruned, found.base.seq) == (True, True, 3)
        later = await book.commit(Step(events=events(1)))
        assert later.records[0].seq == 7
