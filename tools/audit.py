"""Ask OSV for known weaknesses of what is locked: `make audit`.

Exit code: 0 none is known, 1 some are, 2 nobody could be asked and so nothing was checked.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from tools.locked import EVERYTHING

_TIMEOUT = 15  # seconds for one answer of the service


class Audit(IntEnum):
    NONE_KNOWN = 0
    SOME_KNOWN = 1
    NOT_CHECKED = 2


def audit(lock: Path, more: Sequence[str] = ()) -> tuple[Audit, list[str]]:
    """Return what came of it, and the lines that say so; `more` goes to pip-audit."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable, "-m", "pip_audit", "--requirement", str(lock),
            "--require-hashes", "--disable-pip", "--vulnerability-service", "osv",
            "--timeout", str(_TIMEOUT), "--progress-spinner", "off", "--cache-dir", folder,
            "--format", "json", "--output", str(report), *more,
        ]  # fmt: skip
        done = subprocess.run(  # noqa: S603 - our own interpreter
            command, capture_output=True, encoding="utf-8", check=False
        )
        # Its exit code is the same for a weakness and for no answer: only the report tells.
        if not report.exists():
            return Audit.NOT_CHECKED, list(_unasked(lock, done.stderr))
        found = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
    weak = list(_weak(found))
    skipped = [
        f"{one['name']}: not checked: {one['skip_reason']}"
        for one in found
        if "skip_reason" in one
    ]
    if skipped:
        return Audit.NOT_CHECKED, [*weak, *skipped]
    if weak:
        return Audit.SOME_KNOWN, weak
    return Audit.NONE_KNOWN, [f"{lock.name}: {len(found)} distributions, no known weakness"]


def _weak(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in found:
        for known in one.get("vulns", ()):
            mended = ", ".join(known["fix_versions"]) or "no release"
            yield f"{one['name']} {one['version']}: {known['id']}, mended by {mended}"


def _unasked(lock: Path, said: str) -> Iterator[str]:
    yield f"NOTHING WAS CHECKED of {lock.name}: the service of known weaknesses cannot be reached."
    yield "Run it where there is a network. What pip-audit said:"
    yield from said.strip().splitlines()[-1:]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lock", type=Path, nargs="?", default=EVERYTHING)
    parser.add_argument("more", nargs="*", help="for pip-audit, behind --")
    given = parser.parse_args()
    outcome, lines = audit(given.lock, given.more)
    stream = sys.stdout if outcome is Audit.NONE_KNOWN else sys.stderr
    stream.write("\n".join(lines) + "\n")
    return outcome


if __name__ == "__main__":
    sys.exit(main())
