"""Stored answers as cases of the scenario files in `tests/scenarios`: incidents become tests."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from monitor.core.bindings import BucketTarget
from monitor.core.replay import Rejudged
from monitor.core.verdict import VerdictKind

Value: TypeAlias = str | bool | int | Sequence["Value"] | Mapping[str, "Value"]

_IN_EFFECT = {VerdictKind.IN_EFFECT, VerdictKind.IN_EFFECT_FLATTENED, VerdictKind.VIA_PROXY}


def scenario_toml(answers: Iterable[Rejudged], title: str, policy: Mapping[str, Value]) -> str:
    """Return the answers as cases, one for each that says something of its own.

    Each expects what was judged then; where that was wrong, say in the case what is right.
    `policy` holds the keys of `[targets]` that are not as shipped.
    """
    parts = [f"# {_one_line(title)}\n"]
    parts += ["\n".join(_lines(answer, policy)) + "\n" for answer in _distinct(answers)]
    return "\n".join(parts)


def _distinct(answers: Iterable[Rejudged]) -> Iterable[Rejudged]:
    found = dict[object, Rejudged]()
    for answer in answers:
        heard = answer.heard
        said = tuple(_without_ttl(line) for line in (*heard.records, *heard.authority))
        key = (heard.question, heard.is_recursion_desired, heard.rcode, said, _expected(answer))
        found.setdefault(key, answer)
    return found.values()


def _without_ttl(line: str) -> str:
    owner, _, rest = line.split(" ", 2)
    return f"{owner.lower()} {rest}"


def _lines(answer: Rejudged, policy: Mapping[str, Value]) -> Iterator[str]:
    if answer.differs:
        yield f"# judged now: {answer.verdict.kind.value}, by {answer.verdict.rule.value}"
    yield "[[case]]"
    for key, value in _case(answer, policy).items():
        yield f"{key} = {_toml(value)}"


def _case(answer: Rejudged, policy: Mapping[str, Value]) -> dict[str, Value]:
    heard, target = answer.heard, answer.target
    case: dict[str, Value] = {
        "name": f"{answer.domain.text}: {answer.server} at {answer.at}",
        "domain": heard.question.text,
    }
    if isinstance(target, BucketTarget):
        case |= {"bucket": target.bucket, "endpoint": target.endpoint.text}
    else:
        case["target"] = target.name.text
    case |= {"records": heard.records, "authority_section": heard.authority}
    case["rcode"] = heard.rcode
    case["is_authoritative"] = heard.answer.is_authoritative
    case["ede"] = tuple(error.code for error in heard.answer.extended_errors)
    case["asked"] = "resolver" if heard.is_recursion_desired else "authority"
    if answer.target_addresses is not None:
        case["target_addresses"] = tuple(sorted(answer.target_addresses))
    if policy:
        case["policy"] = policy
    kind, rule = _expected(answer)
    case["verdict"] = kind
    if (is_in_effect := _in_effect(answer)) is not None:
        case["in_effect"] = is_in_effect
    return case | ({"rule": rule} if rule else {})


def _expected(answer: Rejudged) -> tuple[str, str]:
    return answer.kind, answer.rule


def _in_effect(answer: Rejudged) -> bool | None:
    if answer.kind == answer.verdict.kind.value:
        return answer.verdict.is_in_effect
    kind = next((kind for kind in VerdictKind if kind.value == answer.kind), None)
    return kind in _IN_EFFECT if kind is not None and kind.is_answer else None


def _toml(value: Value) -> str:
    match value:
        case bool() | int():
            return str(value).lower()
        case str():
            return _text(value)
        case Mapping():
            return "{ " + ", ".join(f"{key} = {_toml(v)}" for key, v in value.items()) + " }"
        case _:
            parts = [_toml(part) for part in value]
            together = f"[{', '.join(parts)}]"
            if len(together) < 80:
                return together
            return "[\n" + "".join(f"  {part},\n" for part in parts) + "]"


def _text(value: str) -> str:
    # A TOML string is a JSON string, but for DEL, which JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
