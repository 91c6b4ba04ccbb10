"""PostgreSQL that wants TLS and a password of whoever comes over TCP."""

import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.servers.certificates import Certificate
from tests.servers.postgresql import Postgresql
from tests.servers.process import came_true

ROLE = "guarded"
PASSWORD = "password-canary-0"
_RULES = f"""
local all all trust
hostssl all {ROLE} 127.0.0.1/32 scram-sha-256
"""
_WITHOUT_TLS = f"host all {ROLE} 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True, slots=True)
class GuardedPostgresql:
    """A server with one more role, which has a password, and a certificate for 127.0.0.1."""

    server: Postgresql
    ca_file: Path

    @classmethod
    def of(cls, server: Postgresql, certificate: Certificate) -> Self:
        """Set up a server that runs."""
        made = cls(server, certificate.ca_file)
        owner = pwd.getpwuid((server.folder / "data").stat().st_uid)
        for name in ("chain_file", "key_file"):
            copy = server.folder / name
            shutil.copy(getattr(certificate, name), copy)
            copy.chmod(0o600)
            os.chown(copy, owner.pw_uid, owner.pw_gid)
            setting = name.replace("chain", "cert")
            server.tell(server.url, f"ALTER SYSTEM SET ssl_{setting} = '{copy}'")
        server.tell(server.url, f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
        made._rule(_RULES)
        made._encrypt("on")
        return made

    def fresh(self, host: str = "127.0.0.1", **parameters: str) -> str:
        """Return the URL of a new schema of the role, by TCP, without its password."""
        self.server.fresh()
        name = self.server.newest.rpartition("%3D")[2]
        self.server.tell(self.server.url, f"ALTER SCHEMA {name} OWNER TO {ROLE}")
        return self.server.over_tcp(ROLE, host, **parameters)

    @contextmanager
    def in_the_open(self) -> Iterator[None]:
        """Speak no TLS, and let the role in without."""
        self._rule(_RULES + _WITHOUT_TLS)
        self._encrypt("off")
        try:
            yield
        finally:
            self._rule(_RULES)
            self._encrypt("on")

    def _rule(self, rules: str) -> None:
        (self.server.folder / "data" / "pg_hba.conf").write_text(rules)

    def _encrypt(self, wanted: str) -> None:
        server = self.server
        server.tell(server.url, f"ALTER SYSTEM SET ssl = {wanted}")
        server.tell(server.url, "SELECT pg_reload_conf()")
        assert came_true(lambda: server.tell(server.url, "SHOW ssl") == [(wanted,)], 10)
