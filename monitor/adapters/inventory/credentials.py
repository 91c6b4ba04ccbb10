"""Where the keys come from, in the form that oss2 asks for before each call."""

import configparser
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class CredentialsUnavailable(Exception):
    """There are no usable credentials; the message says what to do and holds no secret."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key pair and perhaps its token; oss2 reads them by these methods."""

    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)

    def get_access_key_id(self) -> str:
        return self.access_key_id

    def get_access_key_secret(self) -> str:
        return self.access_key_secret

    def get_security_token(self) -> str:
        return self.security_token


class CredentialsProvider(Protocol):
    """What `oss2.ProviderAuthV4` wants; it is called in the thread of each call."""

    def get_credentials(self) -> Credentials:
        """Return what is valid now. Raises CredentialsUnavailable."""


_FAMILIES = (
    ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"),
    (
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABA_CLOUD_SECURITY_TOKEN",
    ),
)


@dataclass(frozen=True, slots=True)
class EnvironmentCredentials:
    """The variables of oss2, then those of the other Alibaba Cloud tools; read at each call."""

    environment: Mapping[str, str] = field(repr=False)

    def get_credentials(self) -> Credentials:
        for names in _FAMILIES:
            key_id, secret, token = (self.environment.get(name, "").strip() for name in names)
            if key_id and secret:
                return Credentials(key_id, secret, token)
        pairs = " or ".join(f"{key_id} and {secret}" for key_id, secret, _ in _FAMILIES)
        raise CredentialsUnavailable(f"the environment has no keys: set {pairs}")


@dataclass(slots=True)
class FileCredentials:
    """A file in JSON, or in the INI form of the Alibaba Cloud tools; read again when it changes.

    `Expiration` in it is for whoever renews the file: whether a token still holds, OSS says.
    """

    path: Path
    profile: str = "default"
    _read: tuple[tuple[int, int], Credentials] | None = field(default=None, init=False, repr=False)

    def get_credentials(self) -> Credentials:
        try:
            state = self.path.stat()
            version = (state.st_mtime_ns, state.st_size)
            if self._read is None or self._read[0] != version:
                found = _parsed(self.path.read_text(encoding="utf-8"), self.profile)
                self._read = (version, complete(found, f"the file {self.path}"))
        except (OSError, ValueError, RecursionError) as error:
            raise CredentialsUnavailable(_unreadable(self.path, error)) from None
        return self._read[1]


@dataclass(frozen=True, slots=True)
class StaticCredentials:
    """Secrets of the configuration, revealed at each call."""

    access_key_id: Callable[[], str] = field(repr=False)
    access_key_secret: Callable[[], str] = field(repr=False)
    security_token: Callable[[], str] = field(default=lambda: "", repr=False)

    def get_credentials(self) -> Credentials:
        found = Credentials(self.access_key_id(), self.access_key_secret(), self.security_token())
        return complete(found, "the account's configuration")


def _parsed(text: str, profile: str) -> Credentials:
    if text.lstrip().startswith("{"):
        return _from_names(json.loads(text), "AccessKeyId", "AccessKeySecret", "SecurityToken")
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
        section = parser[profile]
    except (configparser.Error, KeyError):
        # Both quote lines of the file, or a name from it.
        raise ValueError from None
    return _from_names(section, "access_key_id", "access_key_secret", "security_token")


def _from_names(found: Mapping[str, object], *names: str) -> Credentials:
    key_id, secret, token = (str(found.get(name) or "") for name in names)
    return Credentials(key_id, secret, token)


def complete(found: Credentials, place: str) -> Credentials:
    """Return what was found at a place, fit for a header. Raises CredentialsUnavailable."""
    # A line break that came with a secret from a file would end up in a header.
    key_id, secret = found.access_key_id.strip(), found.access_key_secret.strip()
    if not key_id or not secret:
        raise CredentialsUnavailable(f"{place} lacks an access key id or its secret")
    return Credentials(key_id, secret, found.security_token.strip())


def _unreadable(path: Path, error: Exception) -> str:
    if isinstance(error, OSError):
        return f"the credentials file {path} cannot be read: {error.strerror}"
    return (
        f"the credentials file {path} is neither JSON with AccessKeyId and AccessKeySecret "
        "nor INI with a section of the profile"
    )
