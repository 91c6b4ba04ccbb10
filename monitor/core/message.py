"""What a channel is given to deliver."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class NoticeSeverity(Enum):
    """How bad, from mild to grave."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Message:
    """One notice in the words of one language.

    `key` is the same for each attempt to deliver one notice, `body` plain text of short lines.
    """

    key: str
    title: str
    body: str
    severity: NoticeSeverity
    is_over: bool
    at: datetime
    link: str | None = None
