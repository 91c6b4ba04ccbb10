"""What the locks hold: each distribution with its version, hashes, licence, and who wants it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import metadata
from pathlib import Path

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
RUNTIME = ROOT / "requirements.lock"
EVERYTHING = ROOT / "requirements-all.lock"  # with all extras

# How distributions say it that have no licence expression of PEP 639.
_BY_CLASSIFIER = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: MIT License": "MIT",
}
# "BSD License" says nothing of which; this was read in the file that it carries.
_READ_BY_US = {"jinja2": "BSD-3-Clause"}

_LINUX = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
}
_PYTHONS = ("3.11", "3.12", "3.13", "3.14")


class UnknownLicence(Exception):
    """A distribution does not say what its licence is in a way that we know."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One distribution of a lock; the hashes are SHA-256 of its files, in hexadecimal."""

    requirement: Requirement
    hashes: tuple[str, ...]
    wanted_by: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        (pin,) = self.requirement.specifier
        return pin.version

    @property
    def is_for_linux(self) -> bool:
        """Tell whether some release of Python on Linux, where this runs, gets it."""
        marker = self.requirement.marker
        return marker is None or any(marker.evaluate(_on_linux(python)) for python in _PYTHONS)


def locked(lock: Path) -> tuple[Locked, ...]:
    """Return what a lock holds, for whatever machine."""
    entries = re.split(r"\n(?=\w)", lock.read_text(encoding="utf-8").rstrip())
    return tuple(map(_read, entries))


def on_linux(lock: Path = EVERYTHING) -> tuple[Locked, ...]:
    return tuple(entry for entry in locked(lock) if entry.is_for_linux)


def licence_of(name: str) -> str:
    """Return the licence of a distribution that is installed here, as an SPDX expression.

    Raises UnknownLicence.
    """
    said = metadata(name)
    classifiers = said.get_all("Classifier") or []
    for text in (
        *(said.get_all("License-Expression") or []),
        *(said.get_all("License") or []),
        *(_BY_CLASSIFIER.get(classifier) for classifier in classifiers),
        _READ_BY_US.get(canonicalize_name(name)),
    ):
        try:
            return str(canonicalize_license_expression(text or ""))
        except InvalidLicenseExpression:
            continue
    raise UnknownLicence(f"{name}: {said.get_all('License')}, {classifiers}")


def terms_of(expression: str) -> frozenset[str]:
    """Return the single licences of an expression."""
    return frozenset(re.findall(r"[\w.+-]+", expression)) - {"AND", "OR", "WITH"}


def _read(entry: str) -> Locked:
    first, *rest = entry.splitlines()
    hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})\b", entry)
    return Locked(Requirement(first.removesuffix("\\")), tuple(hashes), tuple(_wanted_by(rest)))


def _wanted_by(lines: list[str]) -> Iterator[str]:
    """Yield the names behind `# via`, in one line or in one each."""
    comments = (line.strip() for line in lines if line.lstrip().startswith("#"))
    for comment in comments:
        name = comment.lstrip("# ").removeprefix("via").partition("(")[0].strip()
        if name:
            yield canonicalize_name(name)


def _on_linux(python: str) -> Mapping[str, str]:
    return {**_LINUX, "python_version": python, "python_full_version": f"{python}.0", "extra": ""}
