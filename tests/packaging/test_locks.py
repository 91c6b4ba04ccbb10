"""What is locked: whole, the same in all locks, and listed with its licence."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.wheel import ROOT
from tools import dependencies, sbom
from tools.locked import (
    EVERYTHING,
    RUNTIME,
    UnknownLicence,
    licence_of,
    locked,
    on_linux,
    terms_of,
)

LOCKS = [RUNTIME, EVERYTHING, ROOT / "requirements-dev.lock"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins_of(lock: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {entry.name: (entry.version, entry.hashes) for entry in locked(lock)}


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(written).name) for written in requirements}


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return dict(json.loads(sbom.document()))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_entry_of_a_lock_has_its_version_and_the_hashes_of_its_files(lock: Path) -> None:
    entries = locked(lock)
    written = lock.read_text(encoding="utf-8")
    assert len(entries) == sum(line[:1].isalnum() for line in written.splitlines())
    for entry in entries:
        (pin,) = entry.requirement.specifier
        assert pin.operator == "==", entry.name
        assert entry.hashes, entry.name
    assert sum(len(entry.hashes) for entry in entries) == written.count("--hash=")


def test_the_locks_agree_with_each_other() -> None:
    runtime, everything, development = map(pins_of, LOCKS)
    assert runtime.items() <= everything.items()
    assert everything.items() <= development.items()


def test_the_locks_hold_what_the_project_asks_for() -> None:
    assert names(PROJECT["dependencies"]) <= pins_of(RUNTIME).keys()
    for extra, wanted in EXTRAS.items():
        assert names(wanted) <= pins_of(EVERYTHING).keys(), extra


def test_what_no_linux_gets_is_for_another_system_by_its_own_words() -> None:
    for entry in locked(EVERYTHING):
        if not entry.is_for_linux:
            assert "sys_platform" in str(entry.requirement.marker), entry.name


def test_every_locked_distribution_is_listed_with_its_version_licence_and_hashes(
    bill: dict[str, Any],
) -> None:
    listed = {component["purl"]: component for component in bill["components"]}
    for entry in on_linux(EVERYTHING):
        component = listed.pop(f"pkg:pypi/{entry.name}@{entry.version}")
        (licence,) = component["licenses"]
        told = licence.get("expression") or licence["license"]["id"]
        assert told == licence_of(entry.name)
        (files,) = component["externalReferences"]
        assert {file["content"] for file in files["hashes"]} == set(entry.hashes)
    (carried,) = listed
    assert carried.startswith("pkg:npm/htmx.org@"), "what the wheel carries is listed too"


def test_the_bill_tells_who_wants_what(bill: dict[str, Any]) -> None:
    wanted = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    direct = {ref.partition("@")[0] for ref in wanted["oss-cname-monitor"]}
    asked = names(PROJECT["dependencies"]).union(*map(names, EXTRAS.values()))
    assert direct == {f"pkg:pypi/{name}" for name in asked} | {"pkg:npm/htmx.org"}
    reached, open_ends = set[str](), ["oss-cname-monitor"]
    while open_ends:
        reached.add(end := open_ends.pop())
        open_ends += [ref for ref in wanted[end] if ref not in reached]
    assert {component["bom-ref"] for component in bill["components"]} <= reached


def test_the_bill_is_valid_and_names_no_registry(bill: dict[str, Any]) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    assert "//" not in json.dumps([bill["components"], bill["dependencies"]])


def test_the_same_locks_give_the_same_bill_and_others_another() -> None:
    written = sbom.document()
    assert sbom.document() == written
    of_fewer = json.loads(sbom.document(RUNTIME))
    assert of_fewer["serialNumber"] != json.loads(written)["serialNumber"]


def test_the_bill_is_written_beside_the_wheel(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "tools.sbom", str(tmp_path)], cwd=ROOT, check=True)
    (written,) = tmp_path.iterdir()
    assert written.name == sbom.file_name()
    assert written.read_text(encoding="utf-8") == sbom.document()


def test_the_page_of_dependencies_is_current() -> None:
    assert dependencies.PAGE.read_text(encoding="utf-8") == dependencies.page(), "make docs"


def test_no_licence_forbids_what_is_done_here() -> None:
    allowed = dependencies.PERMISSIVE | dependencies.LIMITED
    for entry in on_linux():
        assert terms_of(licence_of(entry.name)) <= allowed, entry.name


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ("License: BSD-2-Clause", "BSD-2-Clause"),
        ("License: see the file\nClassifier: License :: OSI Approved :: MIT License", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License", None),
        ("License: all rights reserved", None),
        ("Summary: nothing of it", None),
    ],
)
def test_a_licence_is_what_a_distribution_says_and_silence_is_told(
    said: str, licence: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "made_up-1.dist-info"
    folder.mkdir()
    head = "Metadata-Version: 2.4\nName: made-up\nVersion: 1\n"
    (folder / "METADATA").write_text(f"{head}{said}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    if licence is not None:
        assert licence_of("made-up") == licence
        return
    with pytest.raises(UnknownLicence, match="made-up"):
        licence_of("made-up")
