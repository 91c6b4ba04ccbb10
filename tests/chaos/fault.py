"""What a fault is, and what came of one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one fault did to a daemon and to those who rely on it.

    `lost` is what had been reported and was not in the audit log afterwards, as sentences. `paged`
    counts pages about trouble, `truth` the troubles that there were to page about, and
    `false_pages` names the pages that no trouble bore out. `normal_after` is in seconds since the
    fault was lifted; None where it never became normal. `broken` are other promises, as sentences
    of what was seen instead.
    """

    lost: tuple[str, ...]
    paged: int
    truth: int
    normal_after: float | None
    remark: str
    false_pages: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        is_true = self.paged <= self.truth and not self.false_pages
        is_whole = not self.lost and not self.broken
        return is_whole and is_true and self.normal_after is not None


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `about` says in a sentence what is done; `run` works in a scratch folder.

    It is over `within` so many seconds, with the start of its world.
    """

    name: str
    about: str
    run: Callable[[Path], Awaitable[Outcome]]
    within: float = 240.0
