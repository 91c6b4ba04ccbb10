"""The API's description against the API: nothing that is served, asked for or sent is missing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from starlette.routing import Route

from monitor.core.events import Event, EventType
from monitor.core.state import Step
from monitor.entrypoints.web.app import create_app
from tests.contracts.store_contract import CHANGES
from tests.core.samples import START
from tests.entrypoints.sample import CDN, IMG
from tests.entrypoints.test_changes import propagating, snapshot_of
from tests.entrypoints.web.worlds import reader, site_of
from tests.fakes.memory_store import MemoryStore

METHODS = {"get", "post"}


@cache
def described() -> dict[str, Any]:
    document: dict[str, Any] = reader(site_of()).get("/api/v1/openapi.json").json()
    return document


def operations() -> list[tuple[str, str, Any]]:
    paths = described()["paths"].items()
    return [(path, method, one) for path, of_path in paths for method, one in of_path.items()]


OPERATIONS = pytest.mark.parametrize(
    ("path", "method", "operation"), operations(), ids=lambda it: it if isinstance(it, str) else ""
)


def resolved(schema: Any) -> Any:
    """Return the schema with its definitions, so that it stands alone."""
    return {**schema, "components": described()["components"]}


def closed(schema: Any) -> Any:
    """Return the schema such that a key that it does not name is refused."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    return {"additionalProperties": False, **found} if "properties" in schema else found


def nodes(schema: Any) -> Iterator[Any]:
    yield schema
    for one in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(one, dict | list):
            yield from nodes(one)


def test_every_route_of_the_api_is_described_and_no_other_is() -> None:
    routes = [route for route in create_app(site_of()).routes if isinstance(route, Route)]
    served = {
        (route.path, method.lower())
        for route in routes
        if route.path.startswith("/api/")
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert served == {(path, method) for path, method, _ in operations()}
    assert len(served) >= 10


def test_every_path_of_the_api_is_asked_for_below_or_above() -> None:
    assert {path for path, _, _ in operations()} == {
        *ASKED,
        "/api/v1/changes/{id}/report",
        "/api/v1/events",
        "/api/v1/openapi.json",
    }


ASKED = {
    "/api/v1/domains": "",
    "/api/v1/domains/{domain}": CDN.text,
    "/api/v1/domains/{domain}/history": IMG.text,
    "/api/v1/changes": "",
    "/api/v1/changes/{id}": CHANGES[0].id,
    "/api/v1/changes/{id}/events": CHANGES[0].id,
    "/api/v1/resolvers": "",
    "/api/v1/inventory": "",
}


@pytest.mark.parametrize("path", ASKED)
async def test_no_field_of_a_document_is_missing_from_its_description(path: str) -> None:
    store = MemoryStore()
    told = tuple(Event(EventType.TRACK_STATE, START, change=change.id) for change in CHANGES)
    await store.commit(Step(changes=CHANGES, events=told))
    client = reader(replace(site_of(), changes=store))
    reply = client.get(path.format(domain=ASKED[path], id=ASKED[path]))
    assert reply.status_code == 200
    content = described()["paths"][path]["get"]["responses"]["200"]["content"]
    schema = closed(resolved(content["application/json"]["schema"]))
    jsonschema_rs.validate(schema, reply.json())


def test_nor_one_of_a_change_that_is_under_way() -> None:
    snapshot = snapshot_of(propagating(), timedelta(minutes=20))
    (item,) = reader(site_of(snapshot)).get("/api/v1/domains").json()["items"]
    assert item["change"]["tracks"] and item["change"]["authorities"]
    schema = closed(resolved({"$ref": "#/components/schemas/Domain"}))
    jsonschema_rs.validate(schema, item)


def test_a_field_more_would_be_noticed() -> None:
    item = reader(site_of()).get("/api/v1/resolvers").json()["items"][0]
    schema = closed(resolved({"$ref": "#/components/schemas/Resolver"}))
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(schema, {**item, "colour": "blue"})


@OPERATIONS
def test_every_operation_says_what_it_does_and_how_it_fails(
    path: str, method: str, operation: Any
) -> None:
    assert method in METHODS
    assert operation["operationId"] and operation["summary"]
    responses = operation["responses"]
    assert {"400", "401", "403", "500"} <= responses.keys()
    assert ("304" in responses) == ("ETag" in responses.get("200", {}).get("headers", {}))
    for status, response in responses.items():
        assert response["description"]
        if status >= "400":
            (content,) = response["content"].values()
            jsonschema_rs.validate(resolved(content["schema"]), content["example"])
            assert content["example"]["status"] == int(status)
    for name in ("{domain}", "{id}"):
        assert (name not in path) or "404" in responses


@OPERATIONS
def test_every_parameter_has_a_meaning_a_schema_and_a_good_example(
    path: str, method: str, operation: Any
) -> None:
    for parameter in operation["parameters"]:
        assert parameter["description"]
        jsonschema_rs.validate(parameter["schema"], parameter["example"])
    in_path = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
    assert in_path == {part[1:-1] for part in path.split("/") if part.startswith("{")}
    assert len({p["name"] for p in operation["parameters"]}) == len(operation["parameters"])


@OPERATIONS
def test_every_example_of_a_document_is_one(path: str, method: str, operation: Any) -> None:
    contents = [
        content
        for place in (operation.get("requestBody", {}), *operation["responses"].values())
        for kind, content in place.get("content", {}).items()
        if kind == "application/json" and not path.endswith(("openapi.json", "report"))
    ]
    assert contents or path.endswith(("openapi.json", "events", "report"))
    for content in contents:
        jsonschema_rs.validate(closed(resolved(content["schema"])), content["example"])


def test_every_field_says_what_it_means() -> None:
    schemas = described()["components"]["schemas"]
    silent = [
        f"{name}.{key}"
        for name, schema in schemas.items()
        for key, one in schema["properties"].items()
        if "description" not in one and key not in {"items", "next"}
    ]
    assert silent == []
    assert all(schema["description"] for schema in schemas.values())


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    schemas = described()["components"]["schemas"]
    led = {
        node["$ref"].removeprefix("#/components/schemas/")
        for node in nodes(described())
        if isinstance(node, dict) and "$ref" in node
    }
    # A record of the events is told of in words: there is no schema for a stream.
    assert led == schemas.keys()


def test_credentials_are_one_way_or_the_other_or_none() -> None:
    document = described()
    assert document["openapi"] == "3.1.0"
    assert document["security"] == [{}, {"bearer": []}, {"basic": []}]
    schemes = document["components"]["securitySchemes"]
    assert {name: one["scheme"] for name, one in schemes.items()} == {
        "bearer": "bearer",
        "basic": "basic",
    }
