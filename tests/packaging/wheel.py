"""The wheel as it is handed out, and a virtual environment that has it and what it needs."""

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tools.locked import RUNTIME, locked

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Installation:
    """A virtual environment, away from the checkout."""

    home: Path

    @property
    def python(self) -> Path:
        return self.home / "bin" / "python"

    @property
    def command(self) -> Path:
        return self.home / "bin" / "oss-cname-monitor"

    @property
    def packages(self) -> Path:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.home / "lib" / version / "site-packages"


def build(folder: Path, kind: str = "wheel", of: Path = ROOT) -> Path:
    """Build a wheel or sdist of a checkout, fetching nothing, and return it."""
    pytest.importorskip("hatchling", reason="make setup installs what builds the wheel")
    _succeed(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder), at=of)
    (built,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def install(wheel: Path, home: Path, lock: Path = RUNTIME) -> Installation:
    """Install the wheel beside the locked requirements alone, which are taken from here."""
    installed = Installation(home)
    venv.create(home, with_pip=False)
    for name in _wanted_here(lock):
        _link(name, installed.packages)
    pip_for(installed, "install", "--quiet", "--no-index", "--no-deps", "--no-compile", str(wheel))
    return installed


def pip_for(installed: Installation, *arguments: str) -> str:
    return _succeed(sys.executable, "-m", "pip", "--python", str(installed.python), *arguments)


def _wanted_here(lock: Path) -> tuple[str, ...]:
    """Return the distributions that a lock has for this machine."""
    given = (entry.requirement for entry in locked(lock))
    return tuple(r.name for r in given if r.marker is None or r.marker.evaluate())


def _link(name: str, packages: Path) -> None:
    found = distribution(name)
    for file in found.files or ():
        if ".." in file.parts:
            continue  # its commands; nothing here calls them
        target = packages / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(str(found.locate_file(file)))


def _succeed(*command: str, at: Path = ROOT) -> str:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=at, env=environ, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
