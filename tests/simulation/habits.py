"""How one cache treats what it was told, whatever the record's TTL says."""

from dataclasses import dataclass
from enum import Enum

STALE_TTL = 30  # RFC 8767 §5
STALE_ANSWER = 3  # the extended error of RFC 8914


class Expired(Enum):
    """When an entry is still given out although its time is up."""

    NEVER = "never"
    WHILE_CUT_OFF = "while_cut_off"  # RFC 8767: only if no authority can be reached
    ALWAYS = "always"  # once more, at once; the entry is then refreshed behind the answer


@dataclass(frozen=True, slots=True)
class Habit:
    """The rules of a cache; the defaults are those of an honest one."""

    keeps: int  # seconds for which an entry lives
    fresh_share: float = 1.0  # of its life, after which a question renews a living entry
    gives_expired: Expired = Expired.NEVER
    expired_ttl: int = STALE_TTL
    shows_always: int | None = None  # a TTL that tells nothing
    shows_at_most: int | None = None  # a TTL that tells little
    is_pinned: bool = False  # answers OLD for ever and asks nobody

    def shown_ttl(self, left: int) -> int:
        """Return the TTL that an asker sees when the entry has so many seconds left."""
        if self.shows_always is not None:
            return self.shows_always
        return left if self.shows_at_most is None else min(left, self.shows_at_most)
