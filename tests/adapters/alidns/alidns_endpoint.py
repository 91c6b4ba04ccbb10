"""A loopback Alibaba Cloud DNS: DescribeDomainRecords, RPC style, signatures checked.

Source of the signature: alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism (version
1.0, HMAC-SHA1 over method and sorted parameters, be they in the query or in the body).
"""

import base64
import hmac
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Self
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from monitor.adapters.clock import SystemClock
from monitor.demo.serving import served
from monitor.demo.signature import AccessKey

SKEW = timedelta(minutes=15)
KEY = AccessKey("canary-key-id", "canary-key-secret", "canary-token")
LONGEST_PAGE = 500


class Fault(Enum):
    """What a call meets instead of its records: an error of the API, or something else."""

    DENIED = auto()
    DENIED_AS_BAD = auto()
    FOREIGN = auto()
    THROTTLED = auto()
    UNAVAILABLE = auto()
    TOO_MANY = auto()
    GATEWAY = auto()
    UNHEARD_OF = auto()
    NO_WORD = auto()
    WITH_SUCCESS = auto()
    SILENT = auto()
    STALLED = auto()
    TRUNCATED = auto()
    HTML = auto()
    LIST = auto()
    NESTED = auto()
    WRONG_TYPES = auto()
    REDIRECTED = auto()


_ERRORS: Mapping[Fault, tuple[int, str]] = {
    Fault.DENIED: (403, "Forbidden.RAM"),
    Fault.DENIED_AS_BAD: (400, "Forbidden.RAM"),  # users have seen both
    Fault.FOREIGN: (400, "IncorrectDomainUser"),
    Fault.THROTTLED: (400, "Throttling.User"),
    Fault.UNAVAILABLE: (503, "ServiceUnavailable"),
    Fault.UNHEARD_OF: (400, "NeverHeardOf"),
    Fault.NO_WORD: (400, "<script>"),
    Fault.WITH_SUCCESS: (200, "Throttling.User"),
}


@dataclass(slots=True)
class AlidnsState:
    """What the endpoint answers from; `faults` are met in turn, `always` by all other calls."""

    zones: dict[str, list[Any]]
    keys: dict[str, AccessKey] = field(default_factory=lambda: {KEY.id: KEY})
    denied: frozenset[str] = frozenset()  # zones that the key's policy does not let it see
    page_size: int = LONGEST_PAGE
    is_exact: bool = True  # False: an older server, which knows no exact search
    skew: timedelta = timedelta()
    faults: list[Fault | None] = field(default_factory=list)
    always: Fault | None = None
    calls: list[dict[str, str]] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)

    def now(self) -> datetime:
        return SystemClock().now() + self.skew


class AlidnsEndpoint:
    """An ASGI application of its own: `async with AlidnsEndpoint(state) as it`."""

    def __init__(self, state: AlidnsState) -> None:
        self.state = state
        self.url = ""
        self._serving = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.url = await self._serving.enter_async_context(served(self))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._serving.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.state.urls.append(str(request.url))
        fault = self.state.faults.pop(0) if self.state.faults else self.state.always
        reply = await self._reply(request)
        if fault in {Fault.SILENT, Fault.STALLED}:
            if fault is Fault.STALLED:
                await _send_half(reply, send)
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await (_faulty(fault, reply) if fault else reply)(scope, receive, send)

    async def _reply(self, request: Request) -> Response:
        body = (await request.body()).decode()
        call = dict(request.query_params.items()) | dict(parse_qsl(body, keep_blank_values=True))
        refusal = self._refusal(request.method, call)
        if refusal is not None:
            return refusal
        self.state.calls.append(call)
        zone = call.get("DomainName", "")
        if zone in self.state.denied:
            return error(403, "Forbidden.RAM", "User not authorized to operate on the resource.")
        if zone not in self.state.zones:
            return error(400, "InvalidDomainName.NoExist", "The domain name does not exist.")
        return self._page(call, self._found(call, self.state.zones[zone]))

    def _refusal(self, method: str, call: Mapping[str, str]) -> Response | None:  # noqa: PLR0911  # one way out for each thing that is checked
        if call.get("Version") != "2015-01-09" or call.get("Action") != "DescribeDomainRecords":
            return error(404, "InvalidAction.NotFound", "Specified api is not found.")
        if (call.get("SignatureMethod"), call.get("SignatureVersion")) != ("HMAC-SHA1", "1.0"):
            return error(400, "IncompleteSignature", "The signature is not complete.")
        key = self.state.keys.get(call.get("AccessKeyId", ""))
        if key is None:
            return error(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        if key.token != call.get("SecurityToken", ""):
            return error(400, "InvalidSecurityToken.Malformed", call.get("SecurityToken", ""))
        if abs(self.state.now() - datetime.fromisoformat(call["Timestamp"])) > SKEW:
            return error(400, "InvalidTimeStamp.Expired", "Specified time stamp is expired.")
        if call["SignatureNonce"] in self.state.nonces:
            return error(400, "SignatureNonceUsed", "Specified nonce was used already.")
        self.state.nonces.add(call["SignatureNonce"])
        to_sign = string_to_sign(method, call)
        if not hmac.compare_digest(signature(key, to_sign), call.get("Signature", "")):
            text = f"Specified signature is not matched. server string to sign is:{to_sign}"
            return error(400, "SignatureDoesNotMatch", text)
        return None

    def _found(self, call: Mapping[str, str], records: list[Any]) -> list[Any]:
        wanted = call.get("RRKeyWord", "").lower()
        if call.get("SearchMode") == "COMBINATION" and self.state.is_exact:
            return [it for it in records if host_of(it).lower() == wanted]
        return [it for it in records if wanted in host_of(it).lower()]

    def _page(self, call: Mapping[str, str], found: list[Any]) -> Response:
        size = min(int(call.get("PageSize", "20")), self.state.page_size)
        if not 1 <= int(call.get("PageSize", "20")) <= LONGEST_PAGE:
            return error(400, "InvalidPageSize", "PageSize is not from 1 to 500.")
        start = (int(call.get("PageNumber", "1")) - 1) * size
        shown = found[start : start + size]
        return JSONResponse(
            {
                "TotalCount": len(found),
                "PageNumber": start // size + 1,
                "PageSize": size,
                "RequestId": "536E9CAD-DB30-4647-AC87-AA5CC38C5382",
                "DomainRecords": {"Record": shown},
            }
        )


def string_to_sign(method: str, call: Mapping[str, str]) -> str:
    pairs = sorted((name, value) for name, value in call.items() if name != "Signature")
    query = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
    return f"{method}&%2F&{quote(query, safe='~')}"


def signature(key: AccessKey, to_sign: str) -> str:
    return base64.b64encode(
        hmac.digest(f"{key.secret}&".encode(), to_sign.encode(), "sha1")
    ).decode()


def host_of(entry: Any) -> str:
    host = entry.get("RR") if isinstance(entry, dict) else None
    return host if isinstance(host, str) else ""


def error(status: int, code: str, message: str) -> Response:
    document = {
        "RequestId": "0B12DE1A-2304-5E86-AAFD-B0206BDECD01",
        "HostId": "alidns.aliyuncs.com",
        "Code": code,
        "Message": message,
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={code}&product=Alidns",
    }
    return JSONResponse(document, status)


def _faulty(fault: Fault, usual: Response) -> Response:
    if fault in _ERRORS:
        return error(*_ERRORS[fault], "as planned")
    if fault is Fault.TRUNCATED:
        return Response(bytes(usual.body)[:-10], media_type="application/json")
    return _STRAY[fault]


_STRAY: Mapping[Fault, Response] = {
    Fault.TOO_MANY: Response(status_code=429),
    Fault.GATEWAY: Response("<h1>Bad Gateway</h1>", 502, media_type="text/html"),
    Fault.HTML: Response("<p>Please sign in to this network</p>", media_type="text/html"),
    Fault.LIST: JSONResponse([]),
    Fault.NESTED: Response("[" * 100_000, media_type="application/json"),
    Fault.WRONG_TYPES: JSONResponse({"TotalCount": "1", "DomainRecords": {"Record": {}}}),
    Fault.REDIRECTED: Response(status_code=307, headers={"location": "http://127.0.0.1:9/"}),
}


async def _send_half(reply: Response, send: Send) -> None:
    start = {"type": "http.response.start", "status": reply.status_code}
    await send({**start, "headers": reply.raw_headers})
    half = bytes(reply.body)[: len(reply.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
