"""What the API offers: routes and OpenAPI are made of the same descriptions."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any, Self

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PREFIX = "/api/v1"


class Place(Enum):
    """Where a parameter stands in a request."""

    QUERY = "query"
    PATH = "path"
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `schema` is JSON Schema. A repeatable one may hold several with commas."""

    name: str
    meaning: str
    schema: Mapping[str, Any]
    example: object
    place: Place = Place.QUERY
    is_repeatable: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of one path does; `shape` and `body` are the types of its documents.

    `problems` say when it fails, by status. `other_media_types` are those of forms that a
    parameter may ask for.
    """

    name: str
    path: str
    summary: str
    shape: type | None
    parameters: tuple[Parameter, ...] = ()
    problems: Mapping[int, str] = field(default_factory=dict)
    method: str = "GET"
    status: HTTPStatus = HTTPStatus.OK
    body: type | None = None
    media_type: str = "application/json"
    other_media_types: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An operation and who does it."""

    operation: Operation
    answer: Callable[[Request], Awaitable[Response]]

    @classmethod
    def in_thread(cls, operation: Operation, answer: Callable[[Request], Response]) -> Self:
        """Return the endpoint whose answer takes long to make: it must not hold up the loop."""

        async def answer_in_thread(request: Request) -> Response:
            return await run_in_threadpool(answer, request)

        return cls(operation, answer_in_thread)


def routes_of(endpoints: Iterable[Endpoint]) -> Sequence[Route]:
    """Return one route for each path, so that a wrong method is told all that are right."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        operation = endpoint.operation
        by_path.setdefault(operation.path, {})[operation.method] = endpoint
    return [
        Route(PREFIX + path, _answering(of_method), methods=list(of_method))
        for path, of_method in by_path.items()
    ]


def _answering(of_method: Mapping[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        endpoint = of_method["GET" if request.method == "HEAD" else request.method]
        refuse_unknown(request, endpoint.operation)
        return await endpoint.answer(request)

    return answer


def refuse_unknown(request: Request, operation: Operation) -> None:
    """Raise an HTTP error for a parameter that is mistyped, or given twice: neither is a wish."""
    known = {p.name: p for p in operation.parameters if p.place is Place.QUERY}
    for key in request.query_params:
        if key not in known:
            listed = ", ".join(known) or "none"
            raise HTTPException(400, f"{key[:50]}: no such parameter; there are: {listed}")
        if not known[key].is_repeatable and len(request.query_params.getlist(key)) > 1:
            raise HTTPException(400, f"{key}: once")
