"""The parameters of the API's URLs and headers, each described once."""

from enum import Enum
from typing import Any

from monitor.core.events import EventType
from monitor.core.names import MAX_NAME
from monitor.core.status import DomainStatus, Fault
from monitor.entrypoints.report.forms import Form
from monitor.entrypoints.shapes.fields import A_NAME, A_ULID
from monitor.entrypoints.web.listing import DEFAULT_LIMIT, MAX_LIMIT, MAX_SEQ, ULID, Order
from monitor.entrypoints.web.operation import Parameter, Place
from monitor.usecases.snapshot import Sort

_ULID = {"type": "string", "pattern": f"^{ULID.pattern}$"}
_TEXT = {"type": "string", "maxLength": MAX_NAME}
_SEQ = {"type": "integer", "minimum": 0, "maximum": MAX_SEQ}


def _one_of(kind: type[Enum], default: Enum | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "enum": [member.value for member in kind]}
    return schema if default is None else {**schema, "default": default.value}


def _several(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


LIMIT = Parameter(
    "limit",
    "how many items at most",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    DEFAULT_LIMIT,
)


def _cursor(pattern: str | None, example: str) -> Parameter:
    return Parameter(
        "cursor",
        "go on after the page whose `next` this is, with the same other parameters; it stays good "
        "while items come and go",
        {"type": "string"} if pattern is None else {"type": "string", "pattern": pattern},
        example,
    )


CURSOR = _cursor(None, "")
SEQ_CURSOR = _cursor("^[0-9]{0,18}$", "118")
CHANGE_CURSOR = _cursor(f"^({ULID.pattern})?$", A_ULID)

DOMAIN = Parameter(
    "domain",
    "a domain that is watched, in Unicode or A-labels",
    {"type": "string", "minLength": 1},
    A_NAME,
    Place.PATH,
)
CHANGE = Parameter("id", "the id of a change", {"type": "string"}, A_ULID, Place.PATH)

STATUS = Parameter("status", "only of this status", _one_of(DomainStatus), "broken")
FAULT = Parameter("fault", "only with this fault", _one_of(Fault), "unbound")
ACCOUNT = Parameter("account", "only of this account", _TEXT, "shop")
TEXT = Parameter("q", "only with this text in name, bucket or target", _TEXT, "shop")
SORT = Parameter(
    "sort",
    "by `name`, by `status` with those first that need somebody, or by `since` when it has it",
    _one_of(Sort, Sort.NAME),
    "status",
)
ORDER = Parameter("order", "ascending or descending", _one_of(Order, Order.ASCENDING), "desc")
OPEN = Parameter(
    "open", "only those that are under way", {"type": "boolean", "default": False}, True
)

AFTER = Parameter(
    "after", "go on after this `seq`; 0 is the whole log; without it: from now on", _SEQ, 118
)
LAST_EVENT_ID = Parameter(
    "Last-Event-ID",
    "the same, as browsers say it; it goes before `after`",
    _SEQ,
    118,
    Place.HEADER,
)
TYPES = Parameter(
    "type", "only of these types", _several(_one_of(EventType)), ["status"], is_repeatable=True
)
DOMAINS = Parameter(
    "domain", "only of these domains", _several({"type": "string"}), [A_NAME], is_repeatable=True
)
CHANGES = Parameter(
    "change", "only of these changes", _several(_ULID), [A_ULID], is_repeatable=True
)
DETAIL = Parameter(
    "detail",
    "`brief`: without evidence and hashes",
    {"type": "string", "enum": ["whole", "brief"], "default": "whole"},
    "brief",
)
BEHIND = Parameter(
    "behind",
    "`skip`: who is too slow is told of a gap by an event `skipped`, and gets the newest",
    {"type": "string", "enum": ["catch_up", "skip"], "default": "catch_up"},
    "skip",
)
FORM = Parameter(
    "format",
    "in which form the report is written",
    _one_of(Form, Form.HTML),
    "markdown",
)
REPORT_LANGUAGE = Parameter(
    "lang",
    "a language tag: Chinese where it begins with `zh`, else English; by default as "
    "`Accept-Language` asks",
    {"type": "string"},
    "zh",
)
REPORT_AT = Parameter(
    "at",
    "as of which moment; by default that of the last record which tells of the change",
    {"type": "string", "format": "date-time"},
    "2026-11-24T20:00:00Z",
)
