"""Errors as RFC 9457 problem documents."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


def problem(status: int, detail: str, **more: object) -> Response:
    """Return what went wrong in the form that scripts can read."""
    title = HTTPStatus(status).phrase
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(document, status, media_type="application/problem+json")


def refusal(error: HTTPException) -> Response:
    """Return what the router or a view refused."""
    response = problem(error.status_code, error.detail)
    response.headers.update(error.headers or {})
    return response


async def on_bug(_request: Request, _error: Exception) -> Response:
    """Answer what nobody foresaw; what it was stays in the log."""
    return problem(500, "the monitor failed to answer; its log says why")
