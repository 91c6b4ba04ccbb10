"""The report on one change, in the form that is asked for."""

from datetime import UTC, datetime

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from monitor.core.report import Report
from monitor.entrypoints.report.forms import Form, written
from monitor.entrypoints.report.page import style_source
from monitor.entrypoints.report.sections import sheet_of
from monitor.entrypoints.web import parameters as given
from monitor.entrypoints.web.language import language_of
from monitor.entrypoints.web.operation import Endpoint, Operation
from monitor.entrypoints.web.site import Site
from monitor.ports import StoreError
from monitor.wording import Wording, wording

log = structlog.get_logger()

_SUFFIX = {Form.HTML: "html", Form.MARKDOWN: "md", Form.JSON: "json", Form.CSV: "csv"}


REPORT = Operation(
    "getChangeReport",
    "/changes/{id}/report",
    "A report on a change that can be handed over",
    None,
    (given.CHANGE, given.FORM, given.REPORT_LANGUAGE, given.REPORT_AT),
    {404: "There is no such change.", 503: "The audit log cannot be read."},
    media_type=Form.HTML.media_type,
    other_media_types=tuple(form.media_type for form in Form if form is not Form.HTML),
    description="HTML is one file with its styles and its curve; the other forms are downloads.",
)


class ReportsApi:
    def __init__(self, site: Site) -> None:
        self._site = site

    def endpoints(self) -> tuple[Endpoint, ...]:
        return (Endpoint(REPORT, self.report),)

    async def report(self, request: Request) -> Response:
        """Answer with the report; its languages are those of the pages."""
        number, asked = request.path_params["id"], request.query_params
        form, at = _form(asked.get("format", Form.HTML.value)), _moment(asked.get("at"))
        try:
            report = await self._site.reports.of_change(number, at)
        except StoreError as error:
            log.error("web.report_failed", error=str(error))
            raise HTTPException(503, "The audit log cannot be read; see the log.") from error
        if report is None:
            raise HTTPException(404, "There is no such change.")
        words = wording(language_of(request, self._site.language))
        text = await run_in_threadpool(self._written, report, words, form)
        return Response(text, headers=_headers(report, form), media_type=form.media_type)

    def _written(self, report: Report, words: Wording, form: Form) -> str:
        return written([sheet_of(report, words, self._site.reports.readable)], words, form)


def _headers(report: Report, form: Form) -> dict[str, str]:
    name = f"{report.change.domain.text}-{report.change.id}.{_SUFFIX[form]}".replace("*", "_")
    kind = "inline" if form is Form.HTML else "attachment"
    headers = {
        "content-disposition": f'{kind}; filename="{name}"',
        "vary": "accept-language, cookie",
    }
    if form is Form.HTML:  # its styles are in it: to be allowed by their hash, and nothing else
        headers["content-security-policy"] = (
            f"default-src 'none'; style-src {style_source()}; frame-ancestors 'none'; "
            "base-uri 'none'; form-action 'none'"
        )
    return headers


def _form(name: str) -> Form:
    try:
        return Form.parse(name)
    except ValueError as error:
        raise HTTPException(400, f"format: {error}") from error


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise HTTPException(400, f"at: must be an RFC 3339 time (got {text!r})") from error
    if at.tzinfo is None:
        raise HTTPException(400, f"at: must say its time zone, such as Z (got {text!r})")
    return at.astimezone(UTC)
