"""The keys of the machine's RAM role, from its metadata server."""

import json
import logging

import oss2
import requests
from oss2.credentials import EcsRamRoleCredential, EcsRamRoleCredentialsProvider

from monitor.adapters.inventory.credentials import Credentials, CredentialsUnavailable, complete
from monitor.adapters.inventory.replies import octets_of

MOST_OCTETS = 64 << 10  # a reply with keys has less than three thousand
_LASTS = 6 * 3600  # seconds, where the reply does not say since when it holds
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class EcsRoleCredentials:
    """The RAM role of the machine; oss2 renews what it was told before it expires."""

    def __init__(self, url: str, *, timeout: float = 10.0, attempts: int = 3) -> None:
        self._url = url
        # What it says of a failure quotes what the metadata server answered, perhaps the keys.
        logging.getLogger(oss2.credentials.__name__).setLevel(logging.CRITICAL)
        self._provider = EcsRamRoleCredentialsProvider(url, attempts, timeout)
        self._provider.fetcher = _Fetcher(url)  # its own reads a reply without end

    def __repr__(self) -> str:
        return f"EcsRoleCredentials({self._url!r})"

    def get_credentials(self) -> Credentials:
        found = self._provider.get_credentials()
        told = (
            found.get_access_key_id(),
            found.get_access_key_secret(),
            found.get_security_token(),
        )
        # Whatever stands there in JSON comes as it is.
        texts = (value if isinstance(value, str) else "" for value in told)
        return complete(Credentials(*texts), self._url)


class _NoKeys(Exception):
    """A reply that gives out no keys."""


_FAILURES = (
    _NoKeys,
    requests.RequestException,
    ValueError,  # no JSON, or an instant that is none
    TypeError,
    RecursionError,  # nested without end
)


class _Fetcher:
    """Asks the metadata server within bounds, in the place of oss2's own fetcher."""

    def __init__(self, url: str) -> None:
        self._url = url

    def fetch(self, retry_times: int, timeout: float) -> EcsRamRoleCredential:
        """Return what the role has now. Raises CredentialsUnavailable, which quotes no reply."""
        for _ in range(retry_times):
            try:
                return _keys(self._reply(timeout))
            except _FAILURES:
                continue
        raise CredentialsUnavailable(
            f"no credentials of a RAM role at {self._url}: is a role attached to this "
            "machine, and is its name the last part of the URL?"
        )

    def _reply(self, timeout: float) -> bytes:
        with requests.get(self._url, timeout=timeout, stream=True) as response:
            reply = octets_of(response, MOST_OCTETS + 1, timeout)
        if len(reply) > MOST_OCTETS:
            raise CredentialsUnavailable(
                f"what answers at {self._url} is no metadata server: its reply has more than "
                f"{MOST_OCTETS} octets"
            )
        if response.status_code != requests.codes.ok:
            raise _NoKeys
        return reply


def _keys(reply: bytes) -> EcsRamRoleCredential:
    told = json.loads(reply)
    if not isinstance(told, dict) or told.get("Code") != "Success":
        raise _NoKeys
    until, lasts = oss2.utils.to_unixtime(told.get("Expiration"), _TIME), _LASTS
    if told.get("LastUpdated") is not None:
        lasts = until - oss2.utils.to_unixtime(told["LastUpdated"], _TIME)
    keys = (told.get(name) for name in ("AccessKeyId", "AccessKeySecret", "SecurityToken"))
    return EcsRamRoleCredential(*keys, until, lasts)
