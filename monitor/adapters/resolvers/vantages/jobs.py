"""What a worker is to ask, and how that travels to it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from ipaddress import ip_network

from monitor.adapters.resolvers.engine import LaneLimits
from monitor.adapters.resolvers.vantages.frames import Refusal, opened, sealed
from monitor.core.answers import Question, RecordType
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport

MOST_ROWS = 4096
MOST_COLUMNS = 64

_LONGEST_TIMEOUT = 600.0  # seconds
_LONGEST_SWEEP = 3650 * 86_400.0  # seconds: no interval of the configuration is longer
_MOST_ATTEMPTS = 100
_MOST_WAITING = 1_000_000  # questions at a time
_LEAST_TIMEOUT = 0.001  # seconds
_LEAST_QPS, _MOST_QPS = 1e-6, 1e9
_MOST_PORT = 65_535
_LONGEST_WORD = 1000


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
    number, limits = _word(head["job"]), _limits(head)
    resolvers = tuple(_resolver(written) for written in _list(head["resolvers"], MOST_COLUMNS))
    if "names" not in head:
        rows = [_list(row, 5) for row in _list(head["questions"], MOST_ROWS)]
        asked = tuple((resolvers[_place(row[0])], _question_of(row)) for row in rows)
        return Errand(number, asked, limits)
    names = tuple(_name(name) for name in _list(head["names"], MOST_ROWS))
    over = _number(head["over"], 0.0, _LONGEST_SWEEP)
    return Sweep(number, resolvers, names, limits, over)


def _limits(head: Mapping[str, object]) -> LaneLimits:
    return LaneLimits(
        _number(head["timeout"], _LEAST_TIMEOUT, _LONGEST_TIMEOUT),
        _count(head["attempts"], _MOST_ATTEMPTS),
        _count(head["window"], _MOST_WAITING),
    )


def _written(resolver: Resolver) -> dict[str, object]:
    return {**asdict(resolver), "transport": resolver.transport.value}


def _resolver(written: object) -> Resolver:
    if not isinstance(written, dict):
        raise TypeError
    for key in ("shared", "varies_case"):
        if not isinstance(written[key], bool):
            raise TypeError
    told = {
        **written,
        **{key: _word(written[key]) for key in ("name", "address", "group", "vantage")},
        **{key: _word_or_none(written[key]) for key in ("server_name", "ca_file")},
        "port": _count(written["port"], _MOST_PORT),
        "transport": Transport(written["transport"]),
        "client_subnet": _subnet(written["client_subnet"]),
        "max_qps": _number(written["max_qps"], _LEAST_QPS, _MOST_QPS),
        "weight": _number(written["weight"], 0.0, _MOST_QPS),
    }
    return Resolver(**told)


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
        _name(name),
        RecordType(record_type),
        bool(is_recursion_desired),
        _subnet(subnet),
    )


def _list(value: object, most: int) -> list[object]:
    if not isinstance(value, list) or len(value) > most:
        raise TypeError
    return value


def _place(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise TypeError
    return value


def _count(value: object, most: int) -> int:
    if type(value) is not int or not 0 < value <= most:
        raise ValueError("a number")
    return value


def _number(value: object, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError("a number")
    return float(value)


def _subnet(value: object) -> str | None:
    if value is None:
        return None
    text = _text(value)
    if "%" in text:  # a zone (RFC 4007 §11), which no question can hold
        raise ValueError("a subnet")
    ip_network(text)
    return text


def _word_or_none(value: object) -> str | None:
    return None if value is None else _word(value)


def _word(value: object) -> str:
    """Return a word that may stand in a log."""
    text = _text(value)
    if len(text) > _LONGEST_WORD or not text.isprintable():
        raise ValueError("a word")
    return text


def _name(value: object) -> DomainName:
    text = _text(value)
    if len(text.encode()) > _LONGEST_WORD:  # half a character, which JSON can write, is refused
        raise ValueError("a name")
    return DomainName(text)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
