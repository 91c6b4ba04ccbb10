"""A certificate authority of the tests' own, and what it signed for the encrypted caches."""

from dataclasses import dataclass
from pathlib import Path

import trustme

SERVER_NAME = "dns.test"
ADDRESSES = tuple(f"127.0.0.{host}" for host in range(1, 10))


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files that a server needs, and the file that makes a client trust it."""

    chain_file: Path
    key_file: Path
    ca_file: Path


def issue(directory: Path) -> Certificate:
    """Return a certificate for `dns.test` and its addresses, of an authority made for it alone."""
    authority = trustme.CA()
    leaf = authority.issue_cert(SERVER_NAME, *ADDRESSES)
    made = Certificate(directory / "chain.pem", directory / "key.pem", directory / "ca.pem")
    made.chain_file.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    made.key_file.write_bytes(leaf.private_key_pem.bytes())
    made.ca_file.write_bytes(authority.cert_pem.bytes())
    return made
