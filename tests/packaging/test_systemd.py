"""The unit is one that systemd understands, and shuts the daemon in."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.wheel import ROOT

UNIT = ROOT / "packaging/systemd/oss-cname-monitor.service"
MOST_EXPOSURE = 2.0
COMMAND = "/opt/oss-cname-monitor/bin/oss-cname-monitor"

pytestmark = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="this machine has no systemd"
)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )


def test_systemd_has_no_objection_to_the_unit(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8")
    assert COMMAND in text
    placed = tmp_path / UNIT.name
    placed.write_text(text.replace(COMMAND, "/bin/true"), encoding="utf-8")
    done = analyze("verify", "--man=no", str(placed))
    assert (done.returncode, done.stdout) == (0, "")


def test_the_unit_exposes_little_and_the_documents_say_how_much() -> None:
    done = analyze("security", "--offline=yes", "--no-pager", str(UNIT))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout
    assert float(found[1]) <= MOST_EXPOSURE
    page = (ROOT / "docs/install.md").read_text(encoding="utf-8")
    told = re.search(r"scores ([0-9.]+) with systemd (\d+)", page)
    assert told is not None
    if analyze("--version").stdout.startswith(f"systemd {told[2]} "):  # others count otherwise
        assert told[1] == found[1]
