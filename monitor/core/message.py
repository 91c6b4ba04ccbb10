"""What a channel delivers to a person."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class NoticeSeverity(Enum):
    """How bad, from mild to grave."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(NoticeSeverity)}


@dataclass(frozen=True, slots=True)
class Message:
    """Plain text in short lines; the same `key` again is the same message, sent once more."""

    key: str
    title: str
    body: str
    severity: NoticeSeverity
    is_over: bool
    at: datetime
    link: str | None = None
