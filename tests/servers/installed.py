"""Which name servers this machine has."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

# The path of a normal user often leaves out where Debian puts its servers.
SYSTEM_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def require(binary: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where a program is; without it the test is skipped, and under CI it fails."""
    path = os.pathsep.join((environ.get("PATH", os.defpath), *SYSTEM_PATH))
    if found := shutil.which(binary, path=path):
        return Path(found)
    missing = f"{binary} is not installed: run `make servers`"
    if environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
