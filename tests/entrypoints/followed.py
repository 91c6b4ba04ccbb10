"""Changes that have ended, beside those of which `tests.contracts.followed` shows each stage."""

from dataclasses import replace
from datetime import timedelta

from monitor.core.tracking.changes import ChangeState
from monitor.core.tracking.record import TrackedRecord
from tests.contracts.followed import stages
from tests.core.samples import START


def ended() -> list[TrackedRecord]:
    """Return changes that ended in their last hour, one well and one not."""
    record = next(r for r in stages() if r.change and r.change.state is ChangeState.PROPAGATING)
    assert record.change is not None
    at, states = START + timedelta(hours=71), (ChangeState.SETTLED, ChangeState.EXPIRED)
    return [replace(record, change=record.change.moved(state, at)) for state in states]
