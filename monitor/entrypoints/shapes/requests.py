"""What scripts send, and how they are refused."""

from typing import Annotated, NotRequired

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from monitor.entrypoints.shapes.fields import A_NAME, A_TARGET, Instant, said

LONGEST_TEXT = 1000

_NAME = Field(min_length=1, max_length=LONGEST_TEXT)
_TEXT = Field(max_length=LONGEST_TEXT)


class AnnouncementDocument(TypedDict):
    """A change that is to come."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]  # pydantic's own way

    domain: Annotated[str, _NAME, said("the domain", A_NAME)]
    to: Annotated[str, _NAME, said("where its CNAME will lead", A_TARGET)]
    at: NotRequired[
        Annotated[Instant | None, Field(description="from when on; without it: from now on")]
    ]
    by: NotRequired[Annotated[str | None, _TEXT, said("who announces it", "ops")]]
    note: NotRequired[Annotated[str | None, _TEXT, said("why", "a larger bucket")]]


class ProblemDocument(TypedDict):
    """An error, as RFC 9457 has it."""

    type: Annotated[str, said("`about:blank`: the status says it all", "about:blank")]
    title: Annotated[str, said("the status in words", "Not Found")]
    status: Annotated[int, Field(ge=400, le=599), said("the status", 404)]
    detail: Annotated[str, said("what is wrong with this request", "This domain is not watched.")]
