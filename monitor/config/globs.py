"""Patterns for names: `*` stands for any characters but a dot, `**` for any at all."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from monitor.config.faults import quoted, refused
from monitor.config.fields import parse_text
from monitor.core.names import DomainName, InvalidName

_STARS = re.compile(r"\*\*|\*")
_STARRED_LABEL = re.compile(r"[a-z0-9_*-]+")
_BUCKET_GLOB = re.compile(r"[a-z0-9*-]+")
_MEANING = {"*": r"[^.]*", "**": r".*"}


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern that a whole name matches or does not."""

    text: str

    def matches(self, name: DomainName | str) -> bool:
        return re.fullmatch(self.expression, str(name)) is not None

    @property
    def expression(self) -> str:
        stars = _STARS.findall(self.text)
        between = [re.escape(part) for part in _STARS.split(self.text)]
        meant = [_MEANING[star] for star in stars]
        return "".join(a + b for a, b in zip(between, [*meant, ""], strict=True))

    def __str__(self) -> str:
        return self.text


def any_of(globs: Iterable[Glob]) -> Callable[[DomainName], bool]:
    """Return whether one of the patterns matches, for names by the hundred thousand."""
    expressions = "|".join(f"(?:{glob.expression})" for glob in globs)
    matches = re.compile(expressions).fullmatch
    return lambda name: matches(name.text) is not None


def parse_domain_glob(written: object) -> Glob:
    """Return a pattern for domain names; its labels may be Unicode."""
    return written if isinstance(written, Glob) else Glob(_domain_pattern(parse_text(written)))


def parse_target_glob(written: object) -> Glob:
    """Return a pattern for targets, in which nothing crosses a dot."""
    glob = parse_domain_glob(written)
    if "**" in glob.text:
        raise refused(
            f"must not hold ** (got {quoted(glob.text)})",
            "a target is matched label by label: write one * for each label",
        )
    return glob


def parse_suffix(written: object) -> Glob:
    """Return a suffix below which every name belongs; `*` may stand inside a label."""
    glob = parse_target_glob(written)
    if glob.text.startswith("*."):
        rest = glob.text.removeprefix("*.")
        raise refused(
            f"must not begin with *. (got {quoted(glob.text)})",
            f'every name below a suffix is meant already: write "{rest}"',
        )
    return glob


def parse_bucket_glob(written: object) -> Glob:
    """Return a pattern for bucket names."""
    if isinstance(written, Glob):
        return written
    text = parse_text(written)
    if not _BUCKET_GLOB.fullmatch(text):
        raise refused(
            f"matches no bucket name (got {quoted(text)})",
            "write lower-case letters, digits, hyphens and *",
        )
    return Glob(text)


def _domain_pattern(text: str) -> str:
    labels, hint = text.removesuffix(".").split("."), 'write a pattern such as "*.example.com"'
    if "@" in text:
        raise refused(f"is no pattern for names (got {quoted(text)})", hint)
    try:
        return ".".join(_label(label) for label in labels)
    except InvalidName as error:
        raise refused(f"is no pattern for names: {error}", hint) from None


def _label(label: str) -> str:
    lowered = label.lower()
    if "*" not in lowered:
        return DomainName.parse(label).text
    if not _STARRED_LABEL.fullmatch(lowered):
        raise InvalidName(f"label {label!r} has other characters than letters, digits, - _ *")
    return lowered


_SCHEMA = {"type": "string", "minLength": 1}

DomainGlob: TypeAlias = Annotated[
    Glob,
    PlainValidator(parse_domain_glob),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(_SCHEMA),
]
TargetGlob: TypeAlias = Annotated[
    Glob,
    PlainValidator(parse_target_glob),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(_SCHEMA),
]
Suffix: TypeAlias = Annotated[
    Glob,
    PlainValidator(parse_suffix),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(_SCHEMA),
]
BucketGlob: TypeAlias = Annotated[
    Glob,
    PlainValidator(parse_bucket_glob),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(_SCHEMA),
]
