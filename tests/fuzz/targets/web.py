"""Requests: whatever comes is answered, and nobody is let in who may not come in."""

import asyncio
import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

import bcrypt
from starlette.types import ASGIApp, Message, Scope
from uvicorn.server import ServerState

from monitor.assembly.reporting import StoredReports
from monitor.core.tracking.changes import Change
from monitor.entrypoints.web import access
from monitor.entrypoints.web.access import OPEN_TO_THIS_MACHINE, Rules
from monitor.entrypoints.web.app import create_app
from monitor.entrypoints.web.server import Protocol, WebServer
from monitor.entrypoints.web.site import Site
from monitor.entrypoints.web.tokens import TokenRing
from monitor.usecases.announce import Announcement, NotAnnounced
from tests.contracts.followed import changes, told_steps
from tests.core.samples import DOMAIN
from tests.entrypoints.sample import IMG
from tests.entrypoints.web.worlds import access_of, site_of
from tests.fakes.memory_store import MemoryStore
from tests.fuzz.scratch import loop
from tests.fuzz.target import Target

CHANGE = changes()[0]
_FOR_SCRIPTS = ("/api/", "/-/")
_OPEN = ("/-/healthy", "/-/ready", "/static/")
_REFUSED = frozenset({400, 401, 403, 429})
_HTML = "text/html; charset=utf-8"
_PROBLEM = "application/problem+json"
_MARK = b"<fuzz"  # no page may repeat it so
_TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as HTTP lets it be."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @classmethod
    def read(cls, data: bytes) -> "Asked":
        """Read a request whose lines end as they like; what HTTP forbids is left out."""
        head, _, body = data.partition(b"\n\n")
        first, *lines = head.split(b"\n")
        method, _, target = first.partition(b" ")
        pairs = [line.partition(b":")[::2] for line in lines]
        headers = [
            (name.lower(), value.strip().translate(None, b"\r\0"))
            for name, value in pairs
            if _TOKEN.fullmatch(name)
        ]
        if b"host" not in dict(headers):
            headers.append((b"host", b"127.0.0.1:9953"))
        asked = method.decode() if _TOKEN.fullmatch(method) else "GET"
        return cls(asked, bytes(o for o in target if 0x20 < o < 0x7F), tuple(headers), body)

    @property
    def path(self) -> str:
        return unquote(self.target.partition(b"?")[0].decode("ascii")) or "/"

    @property
    def shows_who(self) -> bool:
        return any(name == b"authorization" for name, _ in self.headers)

    def scope(self) -> Scope:
        path, _, query = self.target.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": path,
            "root_path": "",
            "query_string": query,
            "headers": list(self.headers),
            "server": ("127.0.0.1", 9953),
            "client": ("127.0.0.1", 40_000),
            "state": {},
        }


@dataclass(slots=True)
class Answered:
    status: int
    headers: Mapping[str, str]
    body: bytes


def judge_request(data: bytes) -> None:
    """No request ends in a failure of ours; errors are problem documents, documents are JSON."""
    asked = Asked.read(data)
    app = _LOCKED if asked.shows_who else _PUBLIC
    answered = loop().run_until_complete(_ask(app, asked))
    assert 200 <= answered.status < 500, answered
    _assert_safe(answered)
    is_open = asked.path in _OPEN or asked.path.startswith(_OPEN[-1])
    if asked.shows_who and not is_open:
        assert answered.status in _REFUSED, answered
        assert IMG.text.encode() not in answered.body
    if f"{asked.path}/".startswith(_FOR_SCRIPTS):
        _assert_for_scripts(asked, answered)


def _assert_safe(answered: Answered) -> None:
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert answered.headers["content-security-policy"].startswith("default-src 'none'")
    assert all(value.isprintable() for value in answered.headers.values())
    if answered.headers.get("content-type") == _HTML:
        assert _MARK not in answered.body


def _assert_for_scripts(asked: Asked, answered: Answered) -> None:
    kind = answered.headers.get("content-type", "")
    if answered.status >= 400:
        assert kind == _PROBLEM, answered
    if answered.body and kind in {"application/json", _PROBLEM}:
        document = json.loads(answered.body)
        assert isinstance(document, dict)
        assert kind != _PROBLEM or document["status"] == answered.status
    assert asked.method != "HEAD" or not answered.body


async def _ask(app: ASGIApp, asked: Asked) -> Answered:
    inbox: list[Message] = [{"type": "http.request", "body": asked.body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        return inbox.pop() if inbox else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    try:
        await app(asked.scope(), receive, send)
    except Exception:  # noqa: BLE001 - the server would log it; what was answered counts
        assert sent, "nothing was answered"
    start = sent[0]
    pairs = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    is_bodiless = asked.method == "HEAD"
    return Answered(start["status"], pairs, b"" if is_bodiless else body)


def judge_octets(data: bytes) -> None:
    """No octets on a connection end in a failure, and how they are cut changes nothing."""
    if not data:
        return  # no transport hands on nothing
    whole, is_complete = loop().run_until_complete(_converse([data]))
    parts = [data[at : at + 7] for at in range(0, len(data), 7)]
    cut, is_cut_complete = loop().run_until_complete(_converse(parts))
    # How far a response has come when something broken follows is a matter of time.
    if is_complete and is_cut_complete and 400 not in {*whole, *cut}:
        assert cut == whole
    assert all(100 <= status < 500 for status in whole), whole


async def _converse(parts: Sequence[bytes]) -> tuple[list[int], bool]:
    """Return the statuses of the responses to what comes over one connection, and if all ended."""
    state = ServerState()
    protocol = Protocol(_CONFIG, state, {})
    transport = _Transport(protocol)
    protocol.connection_made(transport)
    for part in parts:
        if transport.is_closing():
            break
        protocol.data_received(part)
    await asyncio.sleep(0)
    while state.tasks:
        await asyncio.wait(state.tasks, timeout=0.05)
        if protocol.cycle.more_body:
            break  # it waits for the rest of a body, which does not come
    is_complete = not state.tasks
    transport.close()
    await asyncio.sleep(0)
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=5)
    assert not state.tasks
    found = _STATUS_LINE.findall(bytes(transport.written))
    return [int(status) for status in found], is_complete


_STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n")


class _Transport(asyncio.Transport):
    """Keeps what is written to a client on this machine."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__({"peername": ("127.0.0.1", 40_000), "sockname": ("127.0.0.1", 9953)})
        self.written = bytearray()
        self._protocol = protocol
        self._is_closing = False

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close

    def pause_reading(self) -> None:
        """Nothing more is sent than there is."""

    def resume_reading(self) -> None:
        """So it is."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is held back."""


def _site(rules: Rules) -> Site:
    store = MemoryStore()
    for step in told_steps():
        loop().run_until_complete(store.commit(step))
    site = site_of()
    site.feed.close()  # its streams end at once

    async def announce(announcement: Announcement) -> Change:
        if announcement.domain != DOMAIN:
            raise NotAnnounced(f"{announcement.domain} is not watched")
        return CHANGE

    return replace(
        site,
        changes=store,
        reports=StoredReports(store, lambda: site.snapshot().resolvers),
        announce=announce,
        access=access_of(rules),
    )


def _locked() -> ASGIApp:
    """Return a site whose one user and one token nobody can know."""
    ring = TokenRing()
    nobody = bcrypt.hashpw(bcrypt.gensalt(4), bcrypt.gensalt(4)).decode()
    token = ring.token("deploy", secrets.token_urlsafe(24), access.Scope)
    site = _site(Rules({"alice": nobody}, (token,), knows_anybody=True))
    return create_app(replace(site, access=replace(site.access, ring=ring)))


_PUBLIC: ASGIApp = create_app(_site(OPEN_TO_THIS_MACHINE))
_LOCKED: ASGIApp = _locked()
_CONFIG = WebServer(_PUBLIC, "127.0.0.1", 0)._config()

_PATHS = (
    *("/", "/?q=<fuzz>&status=broken&sort=since&order=desc&limit=3", "/changes", "/resolvers"),
    *(f"/domains/{IMG}", f"/changes/{CHANGE.id}", "/metrics", "/-/healthy", "/static/site.css"),
    *("/api/v1/domains?limit=2&sort=status", f"/api/v1/domains/{IMG}", "/api/v1/openapi.json"),
    *(f"/api/v1/domains/{IMG}/history?limit=3", "/api/v1/inventory", "/api/v1/resolvers"),
    *(f"/api/v1/changes/{CHANGE.id}", f"/api/v1/changes/{CHANGE.id}/events?cursor=1"),
    *("/api/v1/changes?open=true", "/api/v1/events?type=status&after=1", "/domains/%3Cfuzz%3E"),
    *(f"/api/v1/changes/{CHANGE.id}/report?format=csv", "/%ff%00/../x", "/api/v1/domains/%C3%BC"),
)


def _requests() -> Iterator[bytes]:
    for path in _PATHS:
        yield f"GET {path} HTTP/1.1".removesuffix(" HTTP/1.1").encode()
    yield b"GET /\nAccept-Language: zh\nAccept: text/html\nAccept-Encoding: gzip"
    yield b"GET /\nHost: evil.example"
    yield b"GET /api/v1/domains\nAuthorization: Bearer deploy"
    yield b"GET /\nAuthorization: Basic YWxpY2U6eA=="
    yield b"HEAD /api/v1/domains\nIf-None-Match: *"
    yield b"POST /-/reload\nSec-Fetch-Site: cross-site"
    document = {
        "domain": DOMAIN.text,
        "to": "x.example",
        "at": "2026-03-14T09:26:53Z",
        "note": "n",
    }
    json_post = b"POST /api/v1/changes\nContent-Type: application/json\n\n"
    yield json_post + json.dumps(document).encode()
    yield json_post + json.dumps({**document, "domain": "x.example", "by": "me"}).encode()
    yield json_post + b'{"domain":' * 900
    yield json_post + b'{"domain": "\\ud800", "to": 1' + b"0" * 4400 + b"}"


def _conversations() -> Iterator[bytes]:
    host = b"\r\nHost: 127.0.0.1\r\n"
    yield b"GET /-/healthy HTTP/1.1" + host + b"\r\n"
    yield b"GET /-/healthy HTTP/1.0" + host + b"Connection: close\r\n\r\n"
    yield 2 * (b"GET /api/v1/inventory HTTP/1.1" + host + b"\r\n")
    yield b"GET /%ff?a=%zz HTTP/1.1" + host + b"Accept: */*\r\nX:\r\n\r\n"
    post = b"POST /api/v1/changes HTTP/1.1" + host + b"Content-Type: application/json\r\n"
    yield post + b"Content-Length: 2\r\n\r\n{}"
    yield post + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    yield post + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n{}"
    yield b"OPTIONS * HTTP/1.1" + host + b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    yield b"CONNECT a:1 HTTP/1.1" + host + b"\r\n"
    yield b"HEAD /changes HTTP/1.1" + host + b"Transfer-Encoding: chunked\r\n\r\n2\r\nxxxxx"
    yield b"GET http://a/ HTTP/1.1" + host + b"\r\nGARBAGE\0"


_WORDS = (
    *(f"{method} ".encode() for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS")),
    *(
        b"/api/v1/",
        b"/domains/",
        b"/changes/",
        b"cursor=",
        b"limit=",
        b"sort=",
        b"order=",
        b"lang=",
    ),
    *(b"Content-Type: application/json", b"Authorization: Bearer ", b"Host: ", b"Cookie: lang=zh"),
    *(b"%00", b"%ff", b"%2F", b"%E2%80%AE", b"<fuzz>", b"%3Cfuzz%3E", b"\n\n", CHANGE.id.encode()),
    *(b"\r\n", b"HTTP/1.1", b"Transfer-Encoding: chunked\r\n", b"Content-Length: ", b"Origin: "),
)

TARGETS = (
    Target("http_request", judge_request, _requests, _WORDS, None, 8192),
    Target("http_octets", judge_octets, _conversations, _WORDS, None, 4096),
)
