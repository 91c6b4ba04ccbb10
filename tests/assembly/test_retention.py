from datetime import timedelta

from monitor.assembly.parts import Surroundings
from monitor.assembly.retention import prune_of
from monitor.config import parse
from monitor.ledger import Ledger
from monitor.logs import Secrets
from monitor.usecases.prune import Prune
from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.recording_telemetry import RecordingTelemetry


def pruning(text: str) -> Prune | None:
    store = MemoryStore()
    ledger = Ledger(store, RecordingTelemetry())
    return prune_of(parse(text, {}), store, ledger, Surroundings(FakeClock(), {}, Secrets()))


def test_by_default_everything_is_kept_for_ever() -> None:
    assert pruning("") is None


def test_changes_are_kept_as_long_as_configured() -> None:
    found = pruning('[retention]\nchanges = "90d"\n[propagation]\nfollow_for = "8d"')
    assert found is not None
    assert found.policy.keep_for == timedelta(days=90)
    assert found.policy.follow_for == timedelta(days=8)
