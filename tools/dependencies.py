"""Write the page of what is installed beside the monitor, and on which terms: `make docs`."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tools.locked import EVERYTHING, ROOT, RUNTIME, Locked, licence_of, locked, on_linux, terms_of
from tools.vendor import vendored

PAGE = ROOT / "docs" / "dependencies.md"

# What may be used and handed on in a program of the Apache License 2.0, installed beside it.
PERMISSIVE = frozenset(
    [
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "MIT",
        "MIT-0",
        "PSF-2.0",
        "Unlicense",
    ]
)
# Copyleft of their own files, or of a library that is used as it is and can be replaced.
LIMITED = frozenset({"LGPL-3.0-only", "MPL-2.0"})

_INTRODUCTION = """\
# Dependencies

What is installed beside the monitor on Linux, from `requirements-all.lock`: the runtime with all
extras. Made by `make docs` from the lock and from what each distribution says of itself; the bill
of materials (`make sbom`) has the same, with the hashes of all files. What follows from it is in
[security](security.md#supply-chain).

"""


def page() -> str:
    return _INTRODUCTION + "\n".join([*_summary(), "", *_table(), "", *_vendored(), ""])


def _summary() -> Iterator[str]:
    counted = Counter(term for entry in on_linux() for term in terms_of(licence_of(entry.name)))
    yield "| Licence | Distributions | Asks |"
    yield "|---|---|---|"
    for term, number in sorted(counted.items(), key=lambda item: (-item[1], item[0])):
        yield f"| {term} | {number} | {_asks(term)} |"


def _asks(term: str) -> str:
    if term in PERMISSIVE:
        return "at most to keep its notice"
    assert term in LIMITED, f"{term}: may it be used?"
    return "that its own files stay open when they are changed; we change none"


def _table() -> Iterator[str]:
    of_runtime = {entry.name for entry in locked(RUNTIME)}
    yield "| Distribution | Version | Licence | Wanted by |"
    yield "|---|---|---|---|"
    for entry in on_linux(EVERYTHING):
        extra = "" if entry.name in of_runtime else " (an extra)"
        wanted = f"{_wanted_by(entry)}{extra}"
        yield f"| {entry.name} | {entry.version} | {licence_of(entry.name)} | {wanted} |"


def _wanted_by(entry: Locked) -> str:
    return ", ".join(entry.wanted_by).replace("oss-cname-monitor", "**us**")


def _vendored() -> Iterator[str]:
    yield "In the wheel itself, loaded by its pages:"
    yield ""
    yield "| Package | Version | Licence |"
    yield "|---|---|---|"
    for package in vendored():
        yield f"| {package['name']} (npm) | {package['version']} | {package['licence']} |"


def main() -> int:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    target.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
