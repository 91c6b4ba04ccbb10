import subprocess
from pathlib import Path

import pytest

from tests.servers.installed import require

INSTALLER = Path(__file__).with_name("install.sh")
MISSING = r"no-such-server is not installed: run `make servers`"


def test_a_program_that_is_there_is_found() -> None:
    assert require("sh").name == "sh"


def test_a_missing_program_skips_the_test_and_says_what_helps() -> None:
    with pytest.raises(pytest.skip.Exception, match=MISSING):
        require("no-such-server", environ={})


def test_a_missing_program_fails_the_test_under_ci() -> None:
    with pytest.raises(pytest.fail.Exception, match=MISSING):
        require("no-such-server", environ={"CI": "true"})


def test_the_installer_does_nothing_where_all_programs_are_there() -> None:
    for program in ("unbound", "named", "nsd", "knotd", "kresd"):
        require(program)
    done = subprocess.run(["sh", INSTALLER], capture_output=True, text=True, check=True)
    assert done.stdout == "servers for the tests: all here\n"
    assert done.stderr == ""
