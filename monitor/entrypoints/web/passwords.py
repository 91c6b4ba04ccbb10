"""Passwords against bcrypt hashes: slowly for who tries, quickly for who was right before."""

import asyncio
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping

import bcrypt

# exporter-toolkit remembers as many.
_REMEMBERED = 100
_MOST_WAITING = 16
_LONGEST = 72  # octets; bcrypt never looked at more
_LOWEST_COST = 4


class TooManyAttempts(Exception):
    """More passwords wait to be looked at than may."""


class Passwords:
    """Tells right passwords from wrong ones, one at a time, off the loop.

    What was looked at is remembered by a hash under a key that this process alone has, the right
    ones and the wrong ones apart: who guesses drives out nobody who is right. An unknown user
    takes as long as the one with the costliest hash.
    """

    def __init__(self, matches: Callable[[bytes, bytes], bool] = bcrypt.checkpw) -> None:
        self._matches = matches
        self._key = secrets.token_bytes(32)
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._right = _Memory()
        self._wrong = _Memory()
        self._decoys: dict[int, bytes] = {}

    async def is_right(self, users: Mapping[str, str], user: str, password: bytes) -> bool:
        """Raises TooManyAttempts."""
        known = users.get(user)
        stored = known.encode() if known is not None else self._decoy(users)
        asked = self._digest(user.encode(), stored, password)
        remembered = self._remembered(asked)
        if remembered is not None:
            return remembered
        if self._waiting >= _MOST_WAITING:
            raise TooManyAttempts
        self._waiting += 1
        try:
            async with self._turn:
                remembered = self._remembered(asked)
                if remembered is not None:  # the same was looked at meanwhile
                    return remembered
                matches = await asyncio.to_thread(self._matches, password[:_LONGEST], stored)
        finally:
            self._waiting -= 1
        is_right = matches and known is not None
        (self._right if is_right else self._wrong).add(asked)
        return is_right

    def _remembered(self, asked: bytes) -> bool | None:
        if asked in self._right:
            return True
        return False if asked in self._wrong else None

    def _decoy(self, users: Mapping[str, str]) -> bytes:
        """Return a hash that no password has, as costly as the costliest."""
        cost = max((int(stored[4:6]) for stored in users.values()), default=_LOWEST_COST)
        if cost not in self._decoys:
            self._decoys[cost] = bcrypt.gensalt(cost) + b"." * 31
        return self._decoys[cost]

    def _digest(self, *parts: bytes) -> bytes:
        # Each with its length: no two lists of parts are one text.
        text = b"".join(len(part).to_bytes(8) + part for part in parts)
        return hmac.digest(self._key, text, "sha256")


class _Memory:
    """The newest digests."""

    def __init__(self) -> None:
        self._digests = OrderedDict[bytes, None]()

    def __contains__(self, digest: bytes) -> bool:
        if digest not in self._digests:
            return False
        self._digests.move_to_end(digest)
        return True

    def add(self, digest: bytes) -> None:
        self._digests[digest] = None
        if len(self._digests) > _REMEMBERED:
            self._digests.popitem(last=False)
