"""Write the bill of materials of an installation on Linux, with all extras: `make sbom`.

CycloneDX 1.6 in JSON: what the lock holds, with licences, the hashes of all files that pip may
take for it, and who wants it; and what the wheel carries that others wrote. The same tree gives
the same octets, so it tells no time, and its number follows from its content.
"""

import json
import sys
import uuid
from collections.abc import Iterable
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from monitor import __version__
from tools.locked import EVERYTHING, ROOT, Locked, licence_of, on_linux
from tools.vendor import vendored

FOLDER = ROOT / "dist"

_NAME = "oss-cname-monitor"
_NAMESPACE = uuid.UUID("5f4e8f1e-3a0f-4d6e-9b0c-6f1d5a7c2e90")  # by lot
_FACTORY = LicenseFactory()


def file_name() -> str:
    return f"{_NAME.replace('-', '_')}-{__version__}.cdx.json"


def document(lock: Path = EVERYTHING) -> str:
    """Return the bill of materials of what a lock holds for Linux."""
    written = json.loads(JsonV1Dot6(_bom(on_linux(lock))).output_as_string())
    del written["metadata"]["timestamp"], written["serialNumber"]
    number = uuid.uuid5(_NAMESPACE, json.dumps(written))
    written["serialNumber"] = number.urn
    return json.dumps(written, indent=2) + "\n"


def _bom(entries: Iterable[Locked]) -> Bom:
    us = _us()
    components = {entry.name: _component(entry) for entry in entries}
    carried = [
        _carried(package["name"], package["version"], package["licence"]) for package in vendored()
    ]
    bom = Bom(components=[*components.values(), *carried])
    bom.metadata.component = us
    bom.register_dependency(us, carried)
    for entry in entries:
        for wanting in entry.wanted_by:
            bom.register_dependency(
                us if wanting == _NAME else components[wanting], [components[entry.name]]
            )
    return bom


def _us() -> Component:
    return Component(
        name=_NAME,
        version=__version__,
        type=ComponentType.APPLICATION,
        bom_ref=_NAME,
        licenses=[_FACTORY.make_from_string("Apache-2.0")],
    )


def _component(entry: Locked) -> Component:
    purl = PackageURL("pypi", name=entry.name, version=entry.version)
    return Component(
        name=entry.name,
        version=entry.version,
        bom_ref=str(purl),
        purl=purl,
        licenses=[_FACTORY.make_from_string(licence_of(entry.name))],
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION,
                url=XsUri(str(purl)),
                comment="the files that pip may take, by their hashes",
                hashes=[
                    HashType(alg=HashAlgorithm.SHA_256, content=text) for text in entry.hashes
                ],
            )
        ],
    )


def _carried(name: str, version: str, licence: str) -> Component:
    purl = PackageURL("npm", name=name, version=version)
    return Component(
        name=name,
        version=version,
        bom_ref=str(purl),
        purl=purl,
        licenses=[_FACTORY.make_from_string(licence)],
    )


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(exist_ok=True)
    target = folder / file_name()
    target.write_text(document(), encoding="utf-8")
    sys.stdout.write(f"{target} written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
