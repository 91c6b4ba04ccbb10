"""Pages that follow from the code were made from the code as it is."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tools import configuration, manpage

ROOT = Path(__file__).parent.parent


def test_the_reference_of_the_configuration_is_current() -> None:
    written = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert written == configuration.page(), "make docs"


def test_the_manual_page_is_current() -> None:
    assert manpage.PAGE.read_text(encoding="utf-8") == manpage.page(), "make docs"


@pytest.mark.skipif(not shutil.which("groff"), reason="this machine has no groff")
def test_troff_has_no_objection_to_the_manual_page() -> None:
    command = ["groff", "-man", "-ww", "-z", "-Tutf8", str(manpage.PAGE)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
