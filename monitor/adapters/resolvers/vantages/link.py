"""What is said of a connection to the broker: once that it is lost, and once that it is back."""

import asyncio
from dataclasses import dataclass, field

import nats.errors
import structlog

log = structlog.get_logger()

# Errors of the client that are about the way to the server, and not about what the server allows.
_OF_THE_WAY = (OSError, nats.errors.StaleConnectionError, nats.errors.TimeoutError)


@dataclass(slots=True)
class Link:
    """A connection by its purpose; it is tried four times a second, which nobody wants to read."""

    purpose: str
    _lost_at: float | None = field(default=None, init=False)
    _is_up: bool = field(default=False, init=False)
    _is_refused: bool = field(default=False, init=False)

    def up(self) -> None:
        """Take it that the connection does what it is for."""
        if self._lost_at is not None:
            away = asyncio.get_running_loop().time() - self._lost_at
            log.info("broker.back", connection=self.purpose, seconds=round(away, 1))
        self._lost_at, self._is_up, self._is_refused = None, True, False

    def lost(self, why: str) -> None:
        """Take it that there is no connection, or still none; that it is refused is said too."""
        self._is_up = False
        is_refused = "authorization" in why.lower()
        if self._lost_at is None or (is_refused and not self._is_refused):
            log.warning("broker.away", connection=self.purpose, error=why)
        else:
            log.debug("broker.still_away", connection=self.purpose, error=why)
        if self._lost_at is None:
            self._lost_at = asyncio.get_running_loop().time()
        self._is_refused = self._is_refused or is_refused

    def failed(self, error: Exception) -> None:
        """Take an error of the client: an attempt that failed, or what the server denies us."""
        why = str(error) or type(error).__name__
        if not self._is_up:
            self.lost(why)
        elif isinstance(error, _OF_THE_WAY):  # if it breaks, we are told
            log.debug("broker.trouble", connection=self.purpose, error=why)
        else:
            log.warning("broker.error", connection=self.purpose, error=why)
