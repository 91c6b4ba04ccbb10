"""Set up structlog: one line an event, JSON off a terminal, and never a secret."""

import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, TextIO

import structlog

HIDDEN = "********"

# Keys whose values are secret whoever logs them; a second fence behind not logging them at all.
_SECRET_KEY = re.compile(
    r"secret|token|password|authorization|access_key|credential", re.IGNORECASE
)
_SHORTEST_SECRET = 6  # masking shorter ones would riddle ordinary text


class Secrets:
    """The secrets that were revealed in this process, so that no line can hold one."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def learn(self, secret: str) -> str:
        """Remember the secret, and return it."""
        if len(secret) >= _SHORTEST_SECRET:
            self._known.add(secret)
        return secret

    def masked(self, text: str) -> str:
        # The longest first: one may be a part of another.
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return text


def set_up(*, level: str, is_json: bool, secrets: Secrets, stream: TextIO | None = None) -> None:
    """Send all logging of this process, the libraries' too, to the stream.

    Libraries speak from WARNING on: at DEBUG, oss2 would print its authorization header.
    """
    stream = stream or sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.ExceptionRenderer(),
        _masking(secrets),
    ]
    renderer = _json() if is_json else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # What a job raises is told once, by us.
    logging.getLogger("apscheduler.executors").setLevel(logging.CRITICAL)
    logging.getLogger("monitor").setLevel(level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: logging.getLogger("monitor"),
        cache_logger_on_first_use=False,
    )


def _json() -> structlog.typing.Processor:
    return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)


def _masking(secrets: Secrets) -> Callable[..., MutableMapping[str, Any]]:
    def mask(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for key, value in event.items():
            event[key] = HIDDEN if _SECRET_KEY.search(key) else _masked(value, secrets)
        return event

    return mask


def _masked(value: Any, secrets: Secrets) -> Any:
    match value:
        case str():
            return secrets.masked(value)
        case Mapping():
            return {key: _masked(inner, secrets) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_masked(inner, secrets) for inner in _ordered(value)]
        case _:
            return value


def _ordered(values: Iterable[Any]) -> list[Any]:
    return sorted(values, key=str) if isinstance(values, (set, frozenset)) else list(values)
