"""The two calls to OSS, blocking, with their replies as values: all that is known of oss2."""

import logging
import re
from dataclasses import dataclass
from typing import Any, Self

import oss2
import requests
from requests.adapters import BaseAdapter

from monitor.adapters.inventory.credentials import CredentialsProvider
from monitor.adapters.inventory.endpoints import Endpoint, region_of
from monitor.adapters.inventory.replies import BoundedSession

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")  # OSS itself allows less
_MAX_KEYS = 1000  # the most that one ListBuckets may ask for


@dataclass(frozen=True, slots=True)
class BucketEntry:
    """A bucket of a listing: the host name of its endpoint, and the region to sign for."""

    name: str
    extranet_endpoint: str
    region: str


@dataclass(frozen=True, slots=True)
class BucketPage:
    buckets: tuple[BucketEntry, ...]
    next_marker: str


@dataclass(frozen=True, slots=True)
class CnameEntry:
    """A bound domain as OSS writes it; None where the reply has no such element."""

    domain: str | None
    status: str | None
    last_modified: str | None
    certificate_end: str | None


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """A token as OSS writes it."""

    token: str
    expire_time: str | None


class OssCalls:
    """One session with OSS; each call blocks, for two timeouts and a little at the most."""

    def __init__(
        self, credentials: CredentialsProvider, transport: BaseAdapter, timeout: float
    ) -> None:
        _silence()
        self._auth = oss2.ProviderAuthV4(credentials)
        session = oss2.Session(adapter=transport)
        self._session = BoundedSession(session)
        self._http: requests.Session = session.session
        # OSS redirects none of these calls. Whoever else does must not get the token.
        self._http.max_redirects = 0
        self._timeout = (timeout, timeout)  # to connect, and to wait for the next bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def list_buckets(self, endpoint: Endpoint, marker: str) -> BucketPage:
        """Return the buckets behind the marker. Raises one of `errors.EXPECTED`."""
        service = oss2.Service(
            self._auth,
            endpoint.url,
            session=self._session,
            connect_timeout=self._timeout,
            region=endpoint.region,
        )
        result = service.list_buckets(marker=marker, max_keys=_MAX_KEYS)
        # oss2 takes any well-formed document, a sign-in page too, for a listing of nothing.
        if not result.owner.id:
            raise RuntimeError("a listing without an owner")
        next_marker = str(result.next_marker) if result.is_truncated else ""
        if result.is_truncated and next_marker <= marker:
            raise RuntimeError("a listing that does not go on")
        return BucketPage(tuple(_bucket(info) for info in result.buckets), next_marker)

    def list_cnames(self, endpoint: Endpoint, bucket: str) -> tuple[CnameEntry, ...]:
        """Return the domains of a bucket. Raises one of `errors.EXPECTED`."""
        try:
            result = self._bucket(endpoint, bucket).list_bucket_cname()
        except oss2.exceptions.ServerError as error:
            # Not a class of its own in oss2, and the documented answer for "no domain".
            if (error.status, error.code) == (404, "NoSuchCname"):
                return ()
            raise
        return tuple(_cname(info) for info in result.cname)

    def cname_token(self, endpoint: Endpoint, bucket: str, domain: str) -> TokenEntry:
        """Return the token of a domain; a new one if there is none. Raises `errors.EXPECTED`."""
        client = self._bucket(endpoint, bucket)
        try:
            result = client.get_bucket_cname_token(domain)
        except oss2.exceptions.ServerError as error:
            if error.status != 404 or error.code == "NoSuchBucket":
                raise
            result = client.create_bucket_cname_token(domain)
        if not result.token:
            raise RuntimeError("a token without a value")
        return TokenEntry(result.token, result.expire_time)

    def _bucket(self, endpoint: Endpoint, bucket: str) -> Any:
        return oss2.Bucket(
            self._auth,
            endpoint.url,
            bucket,
            session=self._session,
            connect_timeout=self._timeout,
            region=endpoint.region,
        )


def _silence() -> None:
    """Keep oss2's own lines out of the log where they would show secrets.

    On DEBUG it prints the authorization header and the token, on INFO the error documents,
    in which OSS repeats both.
    """
    logger = logging.getLogger("oss2")
    logger.setLevel(max(logger.level, logging.WARNING))


def _bucket(info: Any) -> BucketEntry:
    if not _NAME.fullmatch(info.name):  # it is shown wherever the bucket is
        raise RuntimeError("a bucket with a name that none can have")
    region = info.region or region_of(info.location) or info.location
    return BucketEntry(info.name, info.extranet_endpoint, region)


def _cname(info: Any) -> CnameEntry:
    end = info.certificate.valid_end_date if info.certificate is not None else None
    return CnameEntry(info.domain, info.status, info.last_modified, end)
