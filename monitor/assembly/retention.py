"""For how long the log and the list of changes are kept."""

from monitor.assembly.parts import Surroundings
from monitor.config import Settings
from monitor.core.pruning import PruningPolicy
from monitor.ledger import Ledger
from monitor.usecases.prune import Archive, Prune


def prune_of(
    settings: Settings, archive: Archive, ledger: Ledger, around: Surroundings
) -> Prune | None:
    """Return who lets go of what has had its time; None where all is kept for ever."""
    keep_for = settings.retention.changes
    if keep_for is None:
        return None
    policy = PruningPolicy(keep_for, settings.propagation.follow_for)
    return Prune(archive, ledger, policy, around.clock)
