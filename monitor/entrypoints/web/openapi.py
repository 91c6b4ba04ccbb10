"""The API's own description (OpenAPI 3.1), made of the operations and the types of documents."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from http import HTTPStatus
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from monitor import __version__
from monitor.entrypoints.shapes.requests import ProblemDocument
from monitor.entrypoints.web.operation import PREFIX, Endpoint, Operation, Parameter, Place
from monitor.entrypoints.web.replies import json_reply

_Schema: TypeAlias = dict[str, Any]
_Typed: TypeAlias = tuple[type, Literal["validation", "serialization"], TypeAdapter[Any]]

_SUFFIX = "Document"
_REFERENCE = "#/components/schemas/"
_JSON = "application/json"
_PROBLEM = "application/problem+json"
_ABOUT = """\
What the monitor knows, as JSON. Times are RFC 3339 in UTC. Fields may be added, none is dropped.
Errors are problem documents (RFC 9457). Every GET may be a HEAD, and answers `If-None-Match`.
A parameter that is not listed is an error. Where no credentials are configured none are needed,
but then nothing can be written unless the listener is on loopback.
"""
_OF_ALL = {
    400: "A parameter makes no sense, or is not known; the detail says which.",
    401: "Credentials are needed.",
    403: "This reader, or a request from elsewhere, may not do this.",
    500: "The monitor failed; its log says why.",
}
_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "a token of the configuration"},
    "basic": {"type": "http", "scheme": "basic", "description": "a reader of the configuration"},
}
_DESCRIPTION = Operation("getDescription", "/openapi.json", "This description", None)
_A_TAG = 'W/"5d0c1b2f9a3e4d6c8b7a0918273645fe"'
_TAG = {"description": "of this document", "schema": {"type": "string"}, "example": _A_TAG}
_IF_NONE_MATCH = Parameter(
    "If-None-Match",
    "the `ETag` of the document that the reader has",
    {"type": "string"},
    _A_TAG,
    Place.HEADER,
)


class Description:
    """Describes these endpoints and its own; made when it is first asked for."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._operations = (*(endpoint.operation for endpoint in endpoints), _DESCRIPTION)

    def endpoint(self) -> Endpoint:
        return Endpoint.in_thread(_DESCRIPTION, self.describe)

    def describe(self, request: Request) -> Response:
        return json_reply(request, self.document)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The description, as JSON."""
        schemas = _schemas_of(self._operations)
        paths: dict[str, _Schema] = {}
        for operation in self._operations:
            of_path = paths.setdefault(PREFIX + operation.path, {})
            of_path[operation.method.lower()] = _described(operation, schemas)
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "oss-cname-monitor",
                "version": __version__,
                "description": _ABOUT,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "security": [{}, *({name: []} for name in _SECURITY_SCHEMES)],
            "paths": paths,
            "components": {"schemas": schemas, "securitySchemes": _SECURITY_SCHEMES},
        }


def _described(operation: Operation, schemas: Mapping[str, _Schema]) -> _Schema:
    parameters = operation.parameters
    if _has_tag(operation):
        parameters = (*parameters, _IF_NONE_MATCH)
    document: _Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [_parameter(parameter) for parameter in parameters],
        "responses": dict(_responses(operation, schemas)),
    }
    if operation.description:
        document["description"] = operation.description
    if operation.body is not None:
        content = {_JSON: _content(operation.body, schemas)}
        document["requestBody"] = {"required": True, "content": content}
    return document


def _parameter(parameter: Parameter) -> _Schema:
    document: _Schema = {
        "name": parameter.name,
        "in": parameter.place.value,
        "description": parameter.meaning,
        "schema": dict(parameter.schema),
        "example": parameter.example,
    }
    if parameter.place is Place.PATH:
        document["required"] = True
    if parameter.is_repeatable:
        document |= {"style": "form", "explode": False}  # with commas; repeated will do as well
    return document


def _responses(
    operation: Operation, schemas: Mapping[str, _Schema]
) -> Iterator[tuple[str, _Schema]]:
    yield str(operation.status.value), _success(operation, schemas)
    if _has_tag(operation):
        yield "304", {"description": "The reader has it already.", "headers": {"ETag": _TAG}}
    for status, meaning in sorted({**_OF_ALL, **operation.problems}.items()):
        yield str(status), _problem(status, meaning)


def _success(operation: Operation, schemas: Mapping[str, _Schema]) -> _Schema:
    headers: _Schema = {"ETag": _TAG} if _has_tag(operation) else {}
    if operation.status is HTTPStatus.CREATED:
        place = {"type": "string", "format": "uri-reference"}
        headers["Location"] = {"description": "where it is from now on", "schema": place}
    content: _Schema = {"schema": {"type": "object"}}
    if operation.media_type != _JSON:
        content = {"schema": {"type": "string"}}
    elif operation.shape is not None:
        content = _content(operation.shape, schemas)
    contents = {operation.media_type: content} | {
        kind: {"schema": {"type": "object" if kind == _JSON else "string"}}
        for kind in operation.other_media_types
    }
    found = {"description": operation.summary, "content": contents}
    return {**found, "headers": headers} if headers else found


def _problem(status: int, meaning: str) -> _Schema:
    example = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": meaning,
    }
    headers: _Schema = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = {"description": "how", "schema": {"type": "string"}}
    content = {"schema": _reference(ProblemDocument), "example": example}
    document = {"description": meaning, "content": {_PROBLEM: content}}
    return {**document, "headers": headers} if headers else document


def _content(shape: type, schemas: Mapping[str, _Schema]) -> _Schema:
    reference = _reference(shape)
    return {"schema": reference, "example": example_of(reference, schemas)}


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, _Schema]) -> object:
    """Return what may stand there, put together of the fields' own examples."""
    match schema:
        case {"$ref": str(reference)}:
            return example_of(schemas[reference.removeprefix(_REFERENCE)], schemas)
        case {"examples": [example, *_]}:
            return example
        case {"anyOf": [wanted, *_]}:
            return example_of(wanted, schemas)
        case {"properties": dict(properties)}:
            return {name: example_of(one, schemas) for name, one in properties.items()}
        case {"type": "array", "items": dict(items)}:
            return [example_of(items, schemas)]
        case _:
            raise AssertionError(f"no example of {schema}")


def _schemas_of(operations: Sequence[Operation]) -> dict[str, _Schema]:
    used = {shape for one in operations for shape in (one.shape, one.body) if shape is not None}
    inputs: list[_Typed] = [(one, "serialization", TypeAdapter(one)) for one in used]
    inputs.append((ProblemDocument, "serialization", TypeAdapter(ProblemDocument)))
    _, found = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE + "{model}")
    named = {_name(name): schema for name, schema in found["$defs"].items()}
    return {name: _plain(named[name]) for name in sorted(named)}


def _reference(shape: type) -> _Schema:
    return {"$ref": _REFERENCE + _name(shape.__name__)}


def _name(shape: str) -> str:
    return shape.removesuffix(_SUFFIX)


def _plain(schema: Any) -> Any:
    """Name references as their schemas, and leave out titles, which only repeat the keys."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _plain(value) for key, value in schema.items() if not _is_title(key, value)}
    if "$ref" in kept:
        kept["$ref"] = _name(kept["$ref"])
    return kept


def _is_title(key: str, value: object) -> bool:
    return key == "title" and isinstance(value, str)


def _has_tag(operation: Operation) -> bool:
    return operation.method == "GET" and operation.media_type == _JSON
