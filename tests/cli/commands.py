"""The command as a process, as users run it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finished:
    code: int
    out: str
    err: str


def run(*arguments: str, at: Path, environ: Mapping[str, str] | None = None) -> Finished:
    """Run one command in a folder and return how it ended; it may not take a minute."""
    done = subprocess.run(
        [sys.executable, "-m", "monitor", *arguments],
        cwd=at,
        env=environment(environ),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a plain environment: English, no configuration of whoever runs the tests."""
    root = str(Path(__file__).parents[2])
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "PYTHONPATH": root, "COLUMNS": "160", **(more or {})}
