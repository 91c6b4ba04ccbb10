"""Fetch what pages load that others wrote, by npm, and compare it with its digests.

    python tools/vendor.py

For another version, write it into `vendor.toml` and run this with `--accept`, which prints the
digests to write there.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PLACE = Path(__file__).parent.parent / "monitor/entrypoints/web/static/vendor"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accept", action="store_true", help="take what comes, print its digests")
    accepts = parser.parse_args().accept
    wrong = 0
    for package in vendored():
        for file, octets in _fetched(package):
            digest = hashlib.sha512(octets).hexdigest()
            if digest != file["sha512"] and not accepts:
                sys.stderr.write(f"{file['name']}: its digest is {digest}\n")
                wrong += 1
                continue
            (PLACE / file["name"]).write_bytes(octets)
            sys.stdout.write(f"{file['name']} {package['version']} {digest}\n")
    return min(wrong, 1)


def vendored() -> list[dict[str, Any]]:
    """Return what is there, as `vendor.toml` has it."""
    packages: list[dict[str, Any]] = tomllib.loads((PLACE / "vendor.toml").read_text())["package"]
    return packages


def _fetched(package: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, str], bytes]]:
    """Yield each file of a package that is wanted, with its octets."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is needed to fetch packages")
    with tempfile.TemporaryDirectory() as folder:
        wanted = f"{package['name']}@{package['version']}"
        subprocess.run([npm, "pack", "--silent", wanted], cwd=folder, check=True)  # noqa: S603
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as packed:
            for file in package["file"]:
                member = packed.extractfile(f"package/{file['path']}")
                assert member is not None
                yield file, member.read()


if __name__ == "__main__":
    sys.exit(main())
