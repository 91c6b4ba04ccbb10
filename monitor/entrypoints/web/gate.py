"""Lets requests in, or says why not, before the application sees them."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from monitor.entrypoints.web.access import Caller, Reason, Refusal, Rules, Scope
from monitor.entrypoints.web.admission import cross_site, foreign_host, is_direct
from monitor.entrypoints.web.credentials import Bearer, Password, Unreadable, shown
from monitor.entrypoints.web.passwords import Passwords, TooManyAttempts
from monitor.entrypoints.web.refusals import Refusals
from monitor.entrypoints.web.tokens import TokenRing

# What probes ask, and what a page that refuses looks like: neither tells anything.
_OPEN = ("/-/healthy", "/-/ready")
_OPEN_BELOW = "/static/"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 §9.2.1
_REALM = 'realm="oss-cname-monitor"'
_ONLY_READ = frozenset({Scope.READ})
_ALL = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may do what now, and what it takes to find out who asks."""

    rules: Callable[[], Rules]
    passwords: Passwords
    ring: TokenRing
    refusals: Refusals


class Gate:
    """Asks who sends a request; the application finds the answer with `caller_of`."""

    def __init__(
        self, app: ASGIApp, access: Access, refused: Callable[[Request, Refusal], Response]
    ) -> None:
        self._app = app
        self._access = access
        self._refused = refused

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and not _is_open(scope["path"]):
            request = Request(scope)
            judged = await self._judged(request)
            if isinstance(judged, Refusal):
                client = request.client.host if request.client else ""
                self._access.refusals.tell(judged, client, request.url.path)
                app = self._refused(request, judged)
            else:
                scope["user"] = judged
        await app(scope, receive, send)

    async def _judged(self, request: Request) -> Caller | Refusal:
        rules = self._access.rules()
        if objected := foreign_host(request, rules):
            return Refusal(Reason.FOREIGN_HOST, objected)
        caller = await self._caller(request, rules)
        if isinstance(caller, Refusal):
            return caller
        wanted = Scope.READ if request.method in _SAFE else Scope.WRITE
        if wanted not in caller.scopes:
            return _without_scope(caller, wanted, rules)
        if wanted is Scope.WRITE and not caller.is_program and (objected := cross_site(request)):
            return Refusal(Reason.CROSS_SITE, objected, caller.name)
        return caller

    async def _caller(self, request: Request, rules: Rules) -> Caller | Refusal:
        match shown(request.headers) if rules.knows_anybody else None:
            case None:
                return Caller("", _anybodys(request, rules))
            case Bearer(token):
                return self._owner(token, rules)
            case Password() as given:
                return await self._user(given, rules)
            case Unreadable():
                detail = "The Authorization header cannot be read here."
                return Refusal(Reason.BAD_CREDENTIALS, detail, headers=_challenges(rules))

    def _owner(self, presented: str, rules: Rules) -> Caller | Refusal:
        token = self._access.ring.owner(presented, rules.tokens)
        if token is None:
            challenge = f'Bearer {_REALM}, error="invalid_token"'
            return Refusal(
                Reason.BAD_TOKEN,
                "This token is not known.",
                headers=(("www-authenticate", challenge),),
            )
        return Caller(token.name, token.scopes, is_program=True)

    async def _user(self, given: Password, rules: Rules) -> Caller | Refusal:
        try:
            is_right = await self._access.passwords.is_right(
                rules.users, given.user, given.password
            )
        except TooManyAttempts:
            return Refusal(
                Reason.TOO_MANY_ATTEMPTS,
                "Too many passwords wait to be looked at; try again.",
                headers=(("retry-after", "1"),),
            )
        if is_right:
            return Caller(given.user, _ALL)
        return Refusal(
            Reason.BAD_CREDENTIALS,
            "The name or the password is wrong.",
            given.user if given.user in rules.users else "",
            _challenges(rules),
        )


def caller_of(request: Request) -> Caller:
    """Return who sent a request that was let in."""
    caller = request.scope["user"]
    assert isinstance(caller, Caller)
    return caller


def _is_open(path: str) -> bool:
    return path in _OPEN or path.startswith(_OPEN_BELOW)


def _anybodys(request: Request, rules: Rules) -> frozenset[Scope]:
    if rules.may_anybody_write and is_direct(request):
        return _ALL
    return _ONLY_READ if rules.may_anybody_read else frozenset()


def _without_scope(caller: Caller, wanted: Scope, rules: Rules) -> Refusal:
    if caller.is_program:
        challenge = f'Bearer {_REALM}, error="insufficient_scope", scope="{wanted.value}"'
        detail = f"This token has no scope {wanted.value}."
        headers = (("www-authenticate", challenge),)
        return Refusal(Reason.SCOPE, detail, caller.name, headers)
    if rules.knows_anybody:
        detail = "Say who you are: with a name and a password, or a token."
        return Refusal(Reason.NO_CREDENTIALS, detail, headers=_challenges(rules))
    detail = (
        "Without users or tokens, writing is allowed to who asks a loopback listener directly: "
        "configure [[web.tokens]]."
    )
    return Refusal(Reason.NOBODY_MAY_WRITE, detail)


def _challenges(rules: Rules) -> tuple[tuple[str, str], ...]:
    """Return how somebody may say who they are (RFC 9110 §11.6.1)."""
    offers = []
    if rules.users:
        offers.append(f'Basic {_REALM}, charset="UTF-8"')
    if rules.tokens:
        offers.append(f"Bearer {_REALM}")
    return tuple(("www-authenticate", offer) for offer in offers)
