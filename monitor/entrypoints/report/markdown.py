"""Reports as Markdown, for tickets and wikis."""

import re
from collections.abc import Iterator, Sequence

from monitor import __version__
from monitor.entrypoints.report.sheet import Proof, Section, Sheet, Table
from monitor.wording import Wording
from monitor.wording.spans import clock, percent

# What has a meaning in Markdown or HTML, and what GitHub makes links of without being asked.
_MEANING = re.compile(r"[\\`*_\[\]<>|~#&]|(?<=www)\.|:(?=//)", re.IGNORECASE)


def markdown(sheets: Sequence[Sheet], words: Wording) -> str:
    """Return the reports one after another; no text in them acts as markup."""
    parts = [line for sheet in sheets for line in _lines(sheet)]
    return "\n".join([*parts, escaped(words.report("made_by", program=_PROGRAM)), ""])


_PROGRAM = f"oss-cname-monitor {__version__}"


def escaped(text: str) -> str:
    """Return the text so that Markdown shows it as it is, on one line."""
    flat = " ".join(text.split())
    return _MEANING.sub(lambda found: "\\" + found[0], flat)


def fenced(text: str) -> str:
    """Return the text as a block of code that nothing in it can end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _lines(sheet: Sheet) -> Iterator[str]:
    yield f"# {escaped(sheet.title)}\n"
    yield f"**{escaped(sheet.state)}** {escaped(sheet.lead)}\n"
    for section in sheet.sections:
        yield f"## {escaped(section.title)}\n"
        yield from _section(section)
        if section.key == "progress" and sheet.report.curve.seen:
            yield from _table(_steps(sheet))
        if section.key == "answers":
            for proof in sheet.proofs:
                yield from _proof(proof)


def _section(section: Section) -> Iterator[str]:
    yield from _facts(section.facts)
    for line in section.lines:
        yield f"{escaped(line)}\n"
    if section.table is not None:
        yield from _table(section.table)


def _facts(facts: Sequence[tuple[str, str]]) -> Iterator[str]:
    for name, text in facts:
        yield f"- {escaped(name)}: {escaped(text)}"
    if facts:
        yield ""


def _table(table: Table) -> Iterator[str]:
    yield _row(table.headings)
    yield _row(("---",) * len(table.headings), is_rule=True)
    for row in table.rows:
        yield _row(row)
    yield ""


def _row(cells: Sequence[str], *, is_rule: bool = False) -> str:
    shown = cells if is_rule else tuple(map(escaped, cells))
    return f"| {' | '.join(shown)} |"


def _steps(sheet: Sheet) -> Table:
    """Return what the picture of other forms shows."""
    headings = (sheet.words.report("at"), sheet.words.report("share"))
    points = sheet.report.curve.seen
    return Table(headings, tuple((clock(p.at), percent(p.share)) for p in points))


def _proof(proof: Proof) -> Iterator[str]:
    yield f"### {proof.name} {escaped(proof.title)}\n"
    yield from _facts(proof.facts)
    yield fenced(f"{proof.text}\n\n{proof.wire}" if proof.wire else proof.text) + "\n"
