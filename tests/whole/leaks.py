"""Secrets that are planted, and the search for them in whatever a program gives out."""

import html
import json
import math
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

_PART = 8  # characters at either end of a secret that are too much to tell


@dataclass(frozen=True, slots=True)
class Planted:
    """A secret of one kind; `belongs` to the service that it is shown to, if it is to any."""

    kind: str
    text: str
    belongs: str = ""


@dataclass(frozen=True, slots=True)
class Leak:
    """Where a secret was found, and in which form."""

    where: str
    kind: str
    form: str


def planted(kind: str, belongs: str = "", middle: str = "-") -> Planted:
    """Return a new secret whose both ends are found nowhere else."""
    return Planted(kind, f"{secrets.token_hex(6)}{middle}{secrets.token_hex(6)}", belongs)


def leaks(given_out: Mapping[str, bytes], known: Iterable[Planted]) -> list[Leak]:
    """Return every secret that is in what was given out, in any form, whole or in part."""
    searched = [(secret.kind, list(_forms(secret.text))) for secret in known]
    return [
        Leak(where, kind, form)
        for where, content in given_out.items()
        for kind, forms in searched
        for form, octets in forms
        if octets in content
    ]


def _forms(secret: str) -> Iterator[tuple[str, bytes]]:
    octets = secret.encode()
    yield "as it is", octets
    yield "its beginning", octets[:_PART]
    yield "its end", octets[-_PART:]
    yield "in a URL", quote(secret, safe="").encode()
    yield "in a query", quote_plus(secret).encode()
    yield "in a path", quote(secret).encode()
    yield "in hexadecimal", octets.hex().encode()
    yield "in Python", repr(secret)[1:-1].encode()
    yield "in JSON", json.dumps(secret)[1:-1].encode()
    yield "in HTML", html.escape(secret).encode()
    yield "backwards", octets[::-1]
    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):  # what stands before it decides which letters come of it
            letters = encode(bytes(before) + octets)
            yield f"in base64, {before} behind", letters[math.ceil(before * 4 / 3) : -4]
