"""Domain names in the one form in which this project compares them."""

import re
from dataclasses import dataclass
from typing import Self

import idna

MAX_NAME = 253  # RFC 1035 §3.1: 255 octets on the wire, less the first length and the root
MAX_LABEL = 63  # RFC 1035 §3.1

# RFC 952 and 1123 letters, digits and hyphens, and the underscore of RFC 8552 (`_dnsauth`).
_ASCII_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")


class InvalidName(ValueError):
    """A text that is no domain name; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, order=True)
class DomainName:
    """A name in A-labels, lower case, without the final dot: equal names are equal values."""

    text: str

    def __hash__(self) -> int:
        return hash(self.text)  # twice as fast as the generated one, and asked for all the time

    @classmethod
    def parse(cls, written: str) -> Self:
        """Return the name that a person or an API wrote, in Unicode or A-labels.

        A leading `*` label is kept, see `is_wildcard`. Raises InvalidName.
        """
        labels = written.strip().removesuffix(".").replace("。", ".").split(".")
        wildcard, labels = (["*"], labels[1:]) if labels[0] == "*" else ([], labels)
        text = ".".join(wildcard + [_a_label(label, written) for label in labels])
        if not labels:
            raise InvalidName(f"{written!r} is no domain name: a wildcard needs a name behind it")
        if len(text) > MAX_NAME:
            raise InvalidName(f"{written!r} is no domain name: longer than {MAX_NAME} characters")
        return cls(text)

    @classmethod
    def seen(cls, presented: str) -> Self:
        """Return a name as an answer showed it (RFC 1035 §5.1 text): any octets may be in it."""
        return cls(presented.removesuffix(".").lower())

    @property
    def display(self) -> str:
        """The name as people write it, in Unicode where its A-labels allow."""
        return ".".join(_u_label(label) for label in self.text.split("."))

    @property
    def is_wildcard(self) -> bool:
        return self.text.startswith("*.")

    @property
    def parent(self) -> "DomainName | None":
        """The name without its first label; None above a top-level domain."""
        _, dot, rest = self.text.partition(".")
        return DomainName(rest) if dot else None

    def is_within(self, suffix: "DomainName") -> bool:
        """True for the suffix itself and every name below it, at a label border."""
        return self.text == suffix.text or self.text.endswith("." + suffix.text)

    def __str__(self) -> str:
        return self.text


def _a_label(label: str, written: str) -> str:
    lowered = label.lower()
    if not label:
        raise InvalidName(f"{written!r} is no domain name: an empty label")
    if not lowered.isascii():
        try:
            lowered = idna.encode(label, uts46=True).decode()
        except idna.IDNAError as error:
            raise InvalidName(f"{written!r} is no domain name: {error}") from error
    if len(lowered) > MAX_LABEL:
        raise InvalidName(f"{written!r} is no domain name: a label over {MAX_LABEL} characters")
    if not _ASCII_LABEL.fullmatch(lowered):
        raise InvalidName(
            f"{written!r} is no domain name: label {label!r} has other characters "
            "than letters, digits, hyphens and underscores, or ends in a hyphen"
        )
    return lowered


def _u_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return idna.decode(label)
    except idna.IDNAError:  # an A-label that no Unicode name maps to is shown as it is
        return label
