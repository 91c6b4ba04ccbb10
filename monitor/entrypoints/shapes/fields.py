"""What the fields of all shapes are made of."""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, TypeAlias

from pydantic import Field, WithJsonSchema

_WHEN = "2026-03-14T09:26:53.500Z"

# Times are RFC 3339 in UTC with fractions.
Instant: TypeAlias = Annotated[
    str, WithJsonSchema({"type": "string", "format": "date-time", "examples": [_WHEN]})
]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Seconds: TypeAlias = Annotated[int, Field(ge=0)]
Data: TypeAlias = Mapping[str, Any]  # of a form of its own for each kind of event

A_NAME = "img.shop.example"
A_TARGET = "shop-img.oss-cn-hangzhou.aliyuncs.com"
A_ULID = "01KKNB4RHC0000000000000000"
A_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def said(meaning: str, example: object) -> Any:
    """Return what is said of a field: what it means, and what may stand there."""
    return Field(description=meaning, examples=[example])


def one_of(kind: type[Enum]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": _values(kind)})


def maybe_one_of(kind: type[Enum]) -> WithJsonSchema:
    return WithJsonSchema({"type": ["string", "null"], "enum": [*_values(kind), None]})


def _values(kind: type[Enum]) -> list[str]:
    return [member.value for member in kind]
