"""The units are ones that systemd understands, and shut in what they run."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.wheel import ROOT

UNITS = sorted((ROOT / "packaging/systemd").iterdir())
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


@pytest.fixture(params=UNITS, ids=lambda unit: unit.name)
def unit(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_there_is_a_unit_for_the_daemon_and_one_for_each_worker() -> None:
    assert [unit.name for unit in UNITS] == [
        "oss-cname-monitor-worker@.service",
        "oss-cname-monitor.service",
    ]


def test_systemd_has_no_objection_to_a_unit(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    assert COMMAND in text
    placed = tmp_path / unit.name.replace("@", "@north")
    placed.write_text(text.replace(COMMAND, "/bin/true"), encoding="utf-8")
    done = analyze("verify", "--man=no", str(placed))
    assert (done.returncode, done.stdout) == (0, "")


def test_a_unit_exposes_little_and_the_documents_say_how_much(unit: Path) -> None:
    done = analyze("security", "--offline=yes", "--no-pager", str(unit))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout
    assert float(found[1]) <= MOST_EXPOSURE
    page = (ROOT / "docs/install.md").read_text(encoding="utf-8")
    told = re.search(r"scores ([0-9.]+) with systemd (\d+)", page)
    assert told is not None
    if analyze("--version").stdout.startswith(f"systemd {told[2]} "):  # others count otherwise
        assert told[1] == found[1]
        security = (ROOT / "docs/security.md").read_text(encoding="utf-8")
        assert f"{'worker' if '@' in unit.name else 'daemon'} {found[1]}" in security
