from datetime import UTC, datetime
from enum import Enum
from itertools import pairwise

import pytest

from monitor.core.events import GENESIS, Event, EventType, seal
from monitor.core.names import DomainName
from monitor.core.tracking.changes import ChangeKind, ChangeState, Source
from monitor.core.tracking.policy import Panelists, TrackingPolicy
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.telling import Teller
from monitor.core.tracking.tracks import TrackState
from monitor.wording import CHANGE_SHAPE, Language, wording
from monitor.wording.history import entry
from tests.contracts.followed import stages

AT = datetime(2026, 3, 14, tzinfo=UTC)
OF_CHANGES = [kind for kind in EventType if kind.value not in {"start", "stop", "reload"}]


@pytest.mark.parametrize("language", Language)
def test_every_state_kind_source_and_reason_has_words_of_its_own(language: Language) -> None:
    words = wording(language)
    said: dict[type[Enum], list[str]] = {
        ChangeState: [words.change_state(it) for it in ChangeState],
        ChangeKind: [words.change_kind(it) for it in ChangeKind],
        Source: [words.change_source(it) for it in Source],
        TrackState: [words.track_state(it) for it in TrackState],
        Reason: [words.track_reason(it) for it in Reason],
    }
    for closed_set, texts in said.items():
        assert all(texts) and len(set(texts)) == len(texts), closed_set
    assert all(words.track_advice(reason) for reason in Reason)


def test_every_state_of_a_change_has_a_shape_of_its_own() -> None:
    assert set(CHANGE_SHAPE) == set(ChangeState)
    assert len(set(CHANGE_SHAPE.values())) == len(ChangeState)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", EventType)
def test_a_record_without_data_is_told_all_the_same(language: Language, kind: EventType) -> None:
    record = seal(Event(kind, AT, DomainName("shop.example"), "alidns", "01"), 1, GENESIS)
    told = entry(record, wording(language))
    assert told.event and "{" not in told.change


@pytest.mark.parametrize("language", Language)
def test_the_story_of_a_change_is_told_with_its_facts(language: Language) -> None:
    teller = Teller(Panelists(TrackingPolicy()), AT, ())
    kept = stages()
    events = [
        event for before, after in pairwise(kept) for event in teller.tell(before, after, ())
    ]
    told = [(e.type, entry(seal(e, 1, GENESIS), wording(language)).change) for e in events]
    by_kind = dict(reversed(told))
    assert by_kind[EventType.CHANGE_DETECTED] == "old.example → new.example"
    assert "telecom, default" in by_kind[EventType.CHANGE_EXPLAINED]
    assert "2026" in by_kind[EventType.AUTHORITY_AGREED]
    assert any("b" in text for kind, text in told if kind is EventType.TRACK_STATE)
    assert all(text.strip() for _, text in told)
