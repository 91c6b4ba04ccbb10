"""What a worker is to ask, and how that travels to it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from monitor.adapters.resolvers.engine import LaneLimits
from monitor.adapters.resolvers.vantages.frames import Refusal, opened, sealed
from monitor.core.answers import Question, RecordType
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport

MOST_ROWS = 4096
MOST_COLUMNS = 64

_LONGEST_TIMEOUT = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Sweep:
    """The addresses of these names, from each of these resolvers, `over` so many seconds."""

    number: str
    resolvers: tuple[Resolver, ...]
    names: tuple[DomainName, ...]
    limits: LaneLimits
    over: float = 0.0


@dataclass(frozen=True, slots=True)
class Errand:
    """Some questions that are urgent, each to one resolver."""

    number: str
    questions: tuple[tuple[Resolver, Question], ...]
    limits: LaneLimits


Job = Sweep | Errand


def job_to_wire(job: Job) -> bytes:
    head: dict[str, object] = {
        "job": job.number,
        "timeout": job.limits.timeout,
        "attempts": job.limits.attempts,
        "window": job.limits.window,
    }
    match job:
        case Sweep():
            head |= {
                "resolvers": [_written(resolver) for resolver in job.resolvers],
                "names": [name.text for name in job.names],
                "over": job.over,
            }
        case Errand():
            resolvers = list(dict.fromkeys(resolver for resolver, _ in job.questions))
            head |= {
                "resolvers": [_written(resolver) for resolver in resolvers],
                "questions": [[resolvers.index(r), *_question(q)] for r, q in job.questions],
            }
    return sealed(head)


def job_of_wire(wire: bytes) -> Job | Refusal:
    """Return the job. Never raises."""
    frame = opened(wire)
    if isinstance(frame, Refusal):
        return frame
    try:
        return _read(frame.head)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return Refusal.FORMAT


def _read(head: Mapping[str, object]) -> Job | Refusal:
    number, limits = _text(head["job"]), _limits(head)
    resolvers = tuple(_resolver(written) for written in _list(head["resolvers"], MOST_COLUMNS))
    if "names" not in head:
        rows = [_list(row, 5) for row in _list(head["questions"], MOST_ROWS)]
        asked = tuple((resolvers[_place(row[0])], _question_of(row)) for row in rows)
        return Errand(number, asked, limits)
    names = tuple(DomainName(_text(name)) for name in _list(head["names"], MOST_ROWS))
    over = head["over"]
    if not (isinstance(over, int | float) and 0 <= over < float("inf")):
        return Refusal.FORMAT
    return Sweep(number, resolvers, names, limits, over)


def _limits(head: Mapping[str, object]) -> LaneLimits:
    timeout, attempts, window = head["timeout"], head["attempts"], head["window"]
    if not (isinstance(timeout, int | float) and 0 < timeout <= _LONGEST_TIMEOUT):
        raise TypeError
    if not (isinstance(attempts, int) and isinstance(window, int) and attempts > 0 < window):
        raise TypeError
    return LaneLimits(timeout, attempts, window)


def _written(resolver: Resolver) -> dict[str, object]:
    return {**asdict(resolver), "transport": resolver.transport.value}


def _resolver(written: object) -> Resolver:
    if not isinstance(written, dict):
        raise TypeError
    for key in ("name", "address", "group", "vantage"):
        _text(written[key])
    if not isinstance(written["port"], int) or not written["max_qps"] > 0:
        raise TypeError
    return Resolver(**{**written, "transport": Transport(written["transport"])})


def _question(question: Question) -> list[object]:
    return [
        question.name.text,
        question.record_type.value,
        question.is_recursion_desired,
        question.client_subnet,
    ]


def _question_of(row: list[object]) -> Question:
    _, name, record_type, is_recursion_desired, subnet = row
    return Question(
        DomainName(_text(name)),
        RecordType(record_type),
        bool(is_recursion_desired),
        None if subnet is None else _text(subnet),
    )


def _list(value: object, most: int) -> list[object]:
    if not isinstance(value, list) or len(value) > most:
        raise TypeError
    return value


def _place(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise TypeError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
