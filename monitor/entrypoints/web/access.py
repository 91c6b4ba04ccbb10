"""Who may read and who may write: what the configuration says, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Scope(Enum):
    """What somebody may do."""

    READ = "read"
    WRITE = "write"


class Reason(Enum):
    """Why a request was refused."""

    NO_CREDENTIALS = "no_credentials"
    BAD_CREDENTIALS = "bad_credentials"
    BAD_TOKEN = "bad_token"  # noqa: S105 - a word for the metric
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    SCOPE = "scope"
    NOBODY_MAY_WRITE = "nobody_may_write"
    FOREIGN_HOST = "foreign_host"
    CROSS_SITE = "cross_site"
    CLIENT_CERTIFICATE = "client_certificate"


_STATUS = {
    Reason.NO_CREDENTIALS: 401,
    Reason.BAD_CREDENTIALS: 401,
    Reason.BAD_TOKEN: 401,
    Reason.TOO_MANY_ATTEMPTS: 429,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is not let in; `who` is a name of the configuration, where it is known."""

    reason: Reason
    detail: str
    who: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def status(self) -> int:
        return _STATUS.get(self.reason, 403)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who was let in: a user or a token by its name, or anybody, whose name is empty.

    What a token's owner sends was never sent by a browser on behalf of another site.
    """

    name: str
    scopes: frozenset[Scope]
    is_program: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """Who presents a text of this digest; the text itself is not kept."""

    digest: bytes
    name: str
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may do what.

    With `knows_anybody`, one can show who one is; `users` have bcrypt hashes. Without credentials
    one may read where `may_anybody_read`, and read and write where `may_anybody_write` and it is
    this machine that asks itself. `hosts` are names by which the listener may be asked; with
    `only_hosts` by no other, also off loopback. `headers` are added to each response.
    """

    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    tokens: tuple[Token, ...] = ()
    knows_anybody: bool = False
    may_anybody_read: bool = False
    may_anybody_write: bool = False
    hosts: frozenset[str] = frozenset()
    only_hosts: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


OPEN_TO_THIS_MACHINE = Rules(may_anybody_read=True, may_anybody_write=True)
"""A listener on loopback for which nothing is configured."""
