"""A loopback OSS endpoint: ListBuckets, ListCname and tokens, path style, signatures checked.

Under any host name but its own address it serves buckets, as visitors of a bound domain see them.
"""

import re
from contextlib import AsyncExitStack
from datetime import timedelta
from email.utils import format_datetime
from itertools import count
from typing import Self

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from monitor.demo import oss_replies
from monitor.demo.oss_replies import Pace, Page, Reply
from monitor.demo.oss_state import (
    ACCOUNT,
    DemoAccount,
    DemoToken,
    Fault,
    FaultKind,
    OssState,
    SeenCall,
)
from monitor.demo.serving import served
from monitor.demo.signature import Refused, SignedCall, Signer, examine

_PAGING = frozenset({"prefix", "marker", "max-keys"})
_MAX_KEYS = 1000
_TOKEN_LIFE = timedelta(hours=72)
_OWN_HOST = "127.0.0.1"


class OssEndpoint:
    """The endpoint, also an ASGI application of its own: `async with OssEndpoint(state) as it`."""

    def __init__(self, state: OssState) -> None:
        self.state = state
        self.url = ""
        self._serving = AsyncExitStack()
        self._numbers = count(1)

    async def __aenter__(self) -> Self:
        self.url = await self._serving.enter_async_context(served(self))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._serving.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        host = request.url.hostname or ""
        if host == _OWN_HOST:
            reply = self._reply(request, await request.body())
        else:
            reply = self._served(host)
        number = {
            "server": "AliyunOSS",
            "x-oss-request-id": f"{next(self._numbers):024X}",
            "x-oss-server-time": "1",
        }
        response = Response(
            reply.body, reply.status, {**reply.headers, **number}, reply.media_type
        )
        match reply.pace:
            case Pace.WHOLE:
                await response(scope, receive, send)
            case Pace.HALF:
                await _send_half(response, send)
                await _until_the_caller_leaves(receive)
            case Pace.NOTHING:
                await _until_the_caller_leaves(receive)

    def _served(self, host: str) -> Reply:
        self.state.visits.append(host)
        bucket, deleted = self.state.bucket_at(host), self.state.deleted.get(host)
        if bucket is not None:
            usual = oss_replies.anonymous(is_allowed=bucket.is_public)
        elif deleted is not None:
            usual = oss_replies.no_such_bucket(deleted)
        else:
            usual = oss_replies.host_not_mapped(host)
        fault = self.state.host_faults.get(host)
        return usual if fault is None else oss_replies.faulty(fault, host, usual)

    def _reply(self, request: Request, body: bytes) -> Reply:
        signer = examine(_signed_call(request), self.state.keys, self.state.now())
        if isinstance(signer, Refused):
            return _refusal(signer)
        account = self.state.account_of(signer.key)
        path, query = str(request.scope["path"]), dict(request.query_params)
        if request.method == "GET" and path == "/" and query.keys() <= _PAGING:
            return self._buckets(account, signer, query)
        bucket = _bucket_name(path)
        if request.method == "GET" and bucket and query == {"cname": ""}:
            return self._cnames(account, signer, bucket)
        if bucket and query.get("comp") == "token" and query.keys() == {"cname", "comp"}:
            asked = _asked_domain(body) if request.method == "POST" else query["cname"]
            return self._token(account, signer, bucket, asked, is_new=request.method == "POST")
        return oss_replies.error(400, "InvalidArgument", "This endpoint knows no such call.")

    def _buckets(self, account: DemoAccount, signer: Signer, query: dict[str, str]) -> Reply:
        self.state.calls.append(SeenCall(signer.key.id, ACCOUNT))
        if signer.region != self.state.region:
            return _wrong_region()
        asked = query.get("max-keys", "100")
        if not asked.isdecimal() or not 1 <= int(asked) <= _MAX_KEYS:
            return oss_replies.error(400, "InvalidArgument", "max-keys is not from 1 to 1000.")
        fault = account.next_fault(ACCOUNT)
        page = Page(()) if _empties(fault) else self._page(account, query, int(asked))
        usual = oss_replies.bucket_listing(account.id, page)
        return usual if fault is None else oss_replies.faulty(fault, ACCOUNT, usual)

    def _page(self, account: DemoAccount, query: dict[str, str], max_keys: int) -> Page:
        size = min(max_keys, self.state.page_size)
        prefix, marker = query.get("prefix", ""), query.get("marker", "")
        wanted = [bucket for bucket in account.buckets if bucket.name.startswith(prefix)]
        rest = sorted(
            (bucket for bucket in wanted if bucket.name > marker), key=lambda bucket: bucket.name
        )
        shown = tuple(rest[:size])
        next_marker = shown[-1].name if len(rest) > size else ""
        return Page(shown, next_marker, is_whole=len(shown) == len(wanted))

    def _cnames(self, account: DemoAccount, signer: Signer, name: str) -> Reply:
        self.state.calls.append(SeenCall(signer.key.id, name))
        bucket = account.bucket(name)
        if bucket is None:
            return self._not_of_account(name)
        fault = account.next_fault(name)
        cnames = () if _empties(fault) else tuple(bucket.cnames)
        usual = oss_replies.cname_listing(account.id, name, cnames)
        if fault is not None:
            return oss_replies.faulty(fault, name, usual)
        return usual if signer.region == bucket.signing_region else _wrong_region()

    def _token(
        self, account: DemoAccount, signer: Signer, name: str, domain: str, *, is_new: bool
    ) -> Reply:
        self.state.calls.append(SeenCall(signer.key.id, name))
        bucket = account.bucket(name)
        if bucket is None:
            return self._not_of_account(name)
        if signer.region != bucket.signing_region:
            return _wrong_region()
        token = bucket.tokens.get(domain)
        if token is None and is_new:
            expires = format_datetime(self.state.now() + _TOKEN_LIFE, usegmt=True)
            token = bucket.tokens[domain] = DemoToken(f"{next(self._numbers):032x}", expires)
        usual = oss_replies.cname_token(name, domain, token) if token else None
        fault = account.next_fault(name)
        if fault is not None:
            return oss_replies.faulty(fault, name, usual or oss_replies.no_such_token(domain))
        return usual or oss_replies.no_such_token(domain)

    def _not_of_account(self, name: str) -> Reply:
        is_foreign = self.state.owner_of(name) is not None
        return (oss_replies.foreign_bucket if is_foreign else oss_replies.no_such_bucket)(name)


def _asked_domain(body: bytes) -> str:
    found = re.search(rb"<Domain>([^<]+)</Domain>", body)
    return found[1].decode() if found else ""


def _signed_call(request: Request) -> SignedCall:
    query = tuple(request.query_params.multi_items())
    path = str(request.scope["path"])
    return SignedCall(request.method, path, query, dict(request.headers))


def _refusal(refused: Refused) -> Reply:
    status, code, message = refused.reason.value
    return oss_replies.error(
        status,
        code,
        message,
        StringToSign=refused.string_to_sign,
        CanonicalRequest=refused.canonical_request,
    )


def _bucket_name(path: str) -> str:
    name = path.removeprefix("/").removesuffix("/")
    return "" if "/" in name else name


def _wrong_region() -> Reply:
    message = "Invalid signing region in Authorization header."
    return oss_replies.error(400, "InvalidArgument", message, EC="0002-00000228")


def _empties(fault: Fault | None) -> bool:
    return fault is not None and fault.kind is FaultKind.EMPTY


async def _send_half(response: Response, send: Send) -> None:
    start = {"type": "http.response.start", "status": response.status_code}
    await send({**start, "headers": response.raw_headers})
    half = bytes(response.body)[: len(response.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})


async def _until_the_caller_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
