"""What `make audit` makes of what a service of known weaknesses says, and of its silence."""

import re
from pathlib import Path

import pytest

from tests.servers.endpoints import free_endpoint
from tests.servers.http_service import Says, Script, Seen, http_service
from tools.audit import Audit, audit
from tools.locked import RUNTIME, locked

WEAKNESS = {
    "id": "PYSEC-2026-1",
    "summary": "made up",
    "details": "made up",
    "affected": [
        {
            "package": {"name": "idna", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}],
        }
    ],
}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock with two distributions of ours."""
    entries = re.split(r"\n(?=\w)", RUNTIME.read_text(encoding="utf-8"))
    few = tmp_path / "few.lock"
    kept = [entry for entry in entries if entry.startswith(("idna==", "six=="))]
    few.write_text("\n".join(kept) + "\n")
    assert len(locked(few)) == 2
    return few


def asking(lock: Path, script: Script) -> tuple[Audit, list[str]]:
    with http_service(script) as service:
        return audit(lock, ["--osv-url", f"http://{service.at}/query"])


def test_where_nothing_is_known_it_says_how_much_was_looked_at(lock: Path) -> None:
    found = asking(lock, lambda _: Says(document={}))
    assert found == (Audit.NONE_KNOWN, ["few.lock: 2 distributions, no known weakness"])


def test_a_known_weakness_is_told_with_the_release_that_mends_it(lock: Path) -> None:
    def knows(seen: Seen) -> Says:
        is_weak = seen.document["package"]["name"] == "idna"
        return Says(document={"vulns": [WEAKNESS]} if is_weak else {})

    outcome, (line,) = asking(lock, knows)
    assert outcome is Audit.SOME_KNOWN
    assert re.fullmatch(r"idna [\d.]+: PYSEC-2026-1, mended by 99\.1", line)


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_service_that_refuses_checks_nothing_and_that_is_said(status: int, lock: Path) -> None:
    outcome, lines = asking(lock, lambda _: Says(status=status))
    assert outcome is Audit.NOT_CHECKED
    assert lines[0].startswith("NOTHING WAS CHECKED of few.lock")


def test_a_service_that_is_not_there_checks_nothing_and_that_is_said(lock: Path) -> None:
    outcome, lines = audit(lock, ["--osv-url", f"http://{free_endpoint()}/query"])
    assert outcome is Audit.NOT_CHECKED
    assert lines[0].startswith("NOTHING WAS CHECKED of few.lock")
    assert "Connection refused" in lines[-1]
