"""What a request shows of who sent it: RFC 7617 (Basic) and RFC 6750 (Bearer)."""

import base64
from dataclasses import dataclass
from typing import TypeAlias

from starlette.datastructures import Headers


@dataclass(frozen=True, slots=True, repr=False)
class Password:
    user: str
    password: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Bearer:
    token: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something was shown that nobody here can read."""


Credentials: TypeAlias = Password | Bearer | Unreadable


def shown(headers: Headers) -> Credentials | None:
    """Return what the request shows; None where it shows nothing."""
    given = headers.getlist("authorization")
    if not given:
        return None
    scheme, _, rest = given[0].partition(" ")
    match scheme.lower():
        case "basic" if len(given) == 1:
            return _password(rest.strip())
        case "bearer" if len(given) == 1:
            return Bearer(rest.strip())
        case _:
            return Unreadable()


def _password(encoded: str) -> Credentials:
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
        return Password(user.decode(), password) if colon else Unreadable()
    except ValueError:  # no base64, or no UTF-8, which is what we ask for
        return Unreadable()
