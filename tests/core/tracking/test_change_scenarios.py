from datetime import datetime

import pytest

from monitor.core.events import Event, EventType
from monitor.core.tracking.changes import Change, ChangeState
from monitor.core.tracking.values import Value
from tests.core.tracking.reading import Expect, Scenario, scenarios, seconds
from tests.core.tracking.scenes import VALUES
from tests.core.tracking.world import World

ALL = list(scenarios())
SLACK = 4.0  # seconds: a second look at the authorities, whole seconds of TTLs, the margins
OF_TRACKS = {EventType.TRACK_STATE, EventType.CENSUS_DONE}
NAMES = {value: name for name, value in VALUES.items()}


@pytest.mark.parametrize("scenario", ALL, ids=[scenario.name for scenario in ALL])
def test_scenario(scenario: Scenario) -> None:
    world = World(scenario)
    for expect in sorted(scenario.expect, key=lambda expect: seconds(expect.at)):
        world.live_until(seconds(expect.at))
        found = seen(world, expect)
        wanted = asked(expect)
        assert not left_open(world), f"at {expect.at}"
        assert {key: found.get(key) for key in wanted} == wanted, f"at {expect.at}"


def left_open(world: World) -> list[Change]:
    """Return what the list of changes shows as open although nobody follows it any more."""
    followed = {c.id for c in (world.record.change, world.record.planned) if c is not None}
    return [c for c in world.changes.values() if c.state.is_open and c.id not in followed]


def asked(expect: Expect) -> dict[str, object]:
    """Return what the expectation names, in the form in which `seen` tells it."""
    plain = ("changes", "state", "kind", "source", "old", "new", "old_ttl", "is_observable")
    others = ("progress", "coverage", "by", "previous", "unverified", "bound_after_deadline")
    instants = ("detected", "unseen_since", "agreed", "bound", "deadline", "eta")
    found: dict[str, object] = {k: getattr(expect, k) for k in (*plain, *others)}
    found |= {k: _written(getattr(expect, k)) for k in instants}
    found["tracks"] = None if expect.tracks is None else dict(expect.tracks)
    found["late"] = None if expect.late is None else dict(expect.late)
    found["events"] = None if expect.events is None else list(expect.events)
    found["reasons"] = dict(expect.reasons) or None
    found["moves"] = {name: list(moves) for name, moves in expect.moves.items()} or None
    found["due"] = {name: _written(due) for name, due in expect.due.items()} or None
    return {key: value for key, value in found.items() if value is not None}


def seen(world: World, expect: Expect) -> dict[str, object]:
    found: dict[str, object] = {
        "changes": len(
            [c for c in world.changes.values() if c.state is not ChangeState.ANNOUNCED]
        ),
        "events": [_told(event) for event in world.events if event.type not in OF_TRACKS],
        "previous": world.record.previous.state.value if world.record.previous else "none",
        "due": {name: _due(world, name) for name in expect.due},
    }
    over = [event.data for event in world.events if event.type is EventType.WINDOW_EXPIRED]
    if over:
        found |= {"late": over[-1]["late"], "unverified": over[-1]["unverified"]}
    agreed = [event.data for event in world.events if event.type is EventType.AUTHORITY_AGREED]
    if agreed:
        found["bound_after_deadline"] = agreed[-1]["bound_after_deadline"]
    change = world.record.change
    return found | ({"state": "none"} if change is None else _of_change(world, change, expect))


def _of_change(world: World, change: Change, expect: Expect) -> dict[str, object]:
    def instant(at: datetime | None) -> float | str:
        elapsed = world.elapsed(at)
        return "never" if elapsed is None else round(elapsed, 3)

    reasons = {n: t.reason.value if t.reason else "none" for n, t in change.tracks.items()}
    return {
        "state": change.state.value,
        "kind": change.kind.value,
        "source": change.source.value,
        "old": _named(change.old),
        "new": _named(change.new),
        "old_ttl": change.old_ttl,
        "is_observable": change.is_observable,
        "detected": instant(change.detected_at),
        "unseen_since": instant(change.unseen_since),
        "agreed": instant(change.all_authorities_at),
        "bound": instant(change.bound_at),
        "deadline": instant(change.deadline_at),
        "eta": instant(change.eta()),
        "by": change.by,
        "progress": round(change.progress(world.now, {}), 3),
        "coverage": round(change.coverage({}), 3),
        "tracks": {name: track.state.value for name, track in change.tracks.items()},
        "reasons": {name: reasons.get(name, "no track") for name in expect.reasons},
        "moves": {name: world.moves.get((change.id, name)) for name in expect.moves},
    }


def _due(world: World, name: str) -> float | str:
    at = world.elapsed(world.agenda.resolvers.get(name))
    return "never" if at is None else round(at - world.t, 3)


def _told(event: Event) -> str:
    of = event.resolver or (
        event.data.get("kind") if event.type is EventType.CHANGE_DETECTED else None
    )
    return f"{event.type.value} {of}" if of else event.type.value


def _named(value: Value | None) -> str:
    return "none" if value is None else NAMES[value]


def _written(instant: str | None) -> object:
    """Return an instant to compare with; what is polled and rounded is off by seconds."""
    if instant in {None, "never"}:
        return instant
    return pytest.approx(seconds(str(instant)), abs=SLACK)
