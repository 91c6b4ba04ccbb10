from collections.abc import Mapping

import pytest

from monitor.core.events import Event, EventType, Json, evidence_of
from monitor.core.showing import shown
from monitor.core.views import View
from tests.core.samples import DOMAIN, RIGHT, SILENT, START, WRONG, sighting

RESOLVERS = {
    name: View(sighting(name, outcome), START)
    for name, outcome in (("a", RIGHT), ("b", WRONG), ("c", SILENT), ("d", WRONG))
}
AUTHORITIES = {name: View(sighting(name, RIGHT), START) for name in ("ns1", "ns2")}


def servers(kind: EventType, data: Mapping[str, Json], resolver: str | None = None) -> list[Json]:
    event = Event(kind, START, DOMAIN, resolver, data=data)
    return [one["resolver"] for one in shown(event, RESOLVERS, AUTHORITIES).evidence]


@pytest.mark.parametrize(
    ("kind", "data", "wanted"),
    [
        (EventType.WINDOW_EXPIRED, {"late": {"d": "override", "b": None, "x": None}}, ["b", "d"]),
        (EventType.WINDOW_EXPIRED, {"late": {}}, []),
        (EventType.AUTHORITY_SPLIT, {"servers": {}}, ["ns1", "ns2"]),
        (EventType.AUTHORITY_SPLIT, {"owner": "edge.shop.example"}, []),
        (EventType.AUTHORITY_SPLIT, {"view": "192.0.2.0/24"}, []),
        (EventType.FAULT, {"fault": "authority_split"}, ["ns1", "ns2"]),
        (EventType.FAULT, {"fault": "ttl_high"}, ["ns1", "ns2"]),
        (EventType.FAULT, {"fault": "not_pointing"}, ["a", "d", "c"]),
        (EventType.FAULT, {"fault": "wildcard"}, []),
        (EventType.START, {}, []),
    ],
)
def test_what_was_told_without_an_answer_is_borne_out_by_the_last_ones(
    kind: EventType, data: Mapping[str, Json], wanted: list[str]
) -> None:
    assert servers(kind, data) == wanted


def test_a_resolver_that_overstays_is_shown_by_its_own_answer() -> None:
    assert servers(EventType.OVERSTAY, {}, "b") == ["b"]
    assert servers(EventType.OVERSTAY, {}, "unknown") == []


def test_evidence_that_came_with_the_event_stays() -> None:
    own = (evidence_of(sighting("own", WRONG)),)
    event = Event(EventType.OVERSTAY, START, DOMAIN, "b", evidence=own)
    assert shown(event, RESOLVERS, AUTHORITIES) is event
