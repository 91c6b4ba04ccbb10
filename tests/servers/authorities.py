"""Certificates of the tests' own, for servers and clients over TLS."""

from collections.abc import Sequence
from pathlib import Path

import trustme


class Issuer:
    """An authority, and the files of what it signed in a folder."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._authority = trustme.CA()
        self._folder = folder
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._authority.cert_pem.bytes())

    def sign(self, name: str, names: Sequence[str] = ("127.0.0.1", "localhost")) -> Path:
        """Return a file with certificate, chain and key of somebody with these names.

        The same name again replaces the file, as a rotation does.
        """
        leaf = self._authority.issue_cert(*names)
        file = self._folder / f"{name}.pem"
        file.write_bytes(leaf.private_key_and_cert_chain_pem.bytes())
        return file
