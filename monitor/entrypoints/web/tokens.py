"""Bearer tokens: known by digests, compared in constant time."""

import hmac
import re
import secrets
from collections.abc import Iterable

from monitor.entrypoints.web.access import Scope, Token

SHORTEST = 20
_WRITTEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 §2.1, b64token


class BadToken(ValueError):
    """A text that cannot be a token; the message does not show it."""


class TokenRing:
    """Makes and finds tokens under a key that this process alone has."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def token(self, name: str, text: str, scopes: Iterable[Scope]) -> Token:
        """Return the token as it is kept. Raises BadToken."""
        if len(text) < SHORTEST:
            raise BadToken(f"is shorter than {SHORTEST} characters: it could be guessed")
        if not _WRITTEN.fullmatch(text):
            raise BadToken("has characters that no header can carry: write letters and digits")
        return Token(self._digest(text), name, frozenset(scopes))

    def owner(self, presented: str, tokens: Iterable[Token]) -> Token | None:
        """Return whose token it is; it takes as long for all, and for nobody's."""
        digest, found = self._digest(presented), None
        for token in tokens:
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode(), "sha256")
