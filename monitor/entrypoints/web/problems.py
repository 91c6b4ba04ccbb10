"""Errors as RFC 9457 problem documents."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse, Response


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **more: object
) -> Response:
    """Return what went wrong in the form that scripts can read."""
    # RFC 9457 §4.2.1: a problem without a type of its own carries the status phrase as its title.
    title = HTTPStatus(status).phrase
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(document, status, headers, media_type="application/problem+json")
