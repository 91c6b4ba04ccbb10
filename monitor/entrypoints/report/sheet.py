"""The form of a report: sections of words and tables, whatever it is written as.

Much of the text came from the network or from people: whoever writes it escapes it all.
"""

from dataclasses import dataclass

from monitor.core.report import Report
from monitor.wording import Wording


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under their headings."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report; `key` names it whatever the language.

    `facts` are pairs of a name and what is told under it, `lines` are sentences.
    """

    key: str
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """One answer: which it is, what is known of it, the message as people read it, and as it came.

    `wire` is base64; both are empty where nothing came.
    """

    name: str
    title: str
    facts: tuple[tuple[str, str], ...]
    text: str
    wire: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole report in one language."""

    title: str
    state: str
    lead: str
    sections: tuple[Section, ...]
    proofs: tuple[Proof, ...]
    report: Report
    words: Wording
