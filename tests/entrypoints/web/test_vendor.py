"""What pages load that others wrote is just what its registry has, and its licence is with it."""

import hashlib
import tomllib
from importlib import resources

import pytest

VENDOR = resources.files("monitor.entrypoints.web") / "static" / "vendor"
PACKAGES = tomllib.loads((VENDOR / "vendor.toml").read_text())["package"]
FILES = [file for package in PACKAGES for file in package["file"]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file["name"])
def test_a_file_is_as_it_was_fetched(file: dict[str, str]) -> None:
    octets = (VENDOR / file["name"]).read_bytes()
    assert hashlib.sha512(octets).hexdigest() == file["sha512"]


def test_nothing_else_lies_there() -> None:
    names = {entry.name for entry in VENDOR.iterdir()}
    assert names == {"vendor.toml", *(file["name"] for file in FILES)}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_each_package_comes_with_its_licence(package: dict[str, list[dict[str, str]]]) -> None:
    assert any("LICENSE" in file["path"] for file in package["file"])
