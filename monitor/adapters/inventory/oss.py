"""The domains that an account has bound to its buckets, asked of OSS."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import TypeVar

from requests.adapters import BaseAdapter, HTTPAdapter
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from monitor.adapters.inventory.aside import aside
from monitor.adapters.inventory.calls import BucketEntry, CnameEntry, OssCalls
from monitor.adapters.inventory.credentials import CredentialsProvider
from monitor.adapters.inventory.dates import from_rfc1123
from monitor.adapters.inventory.endpoints import Endpoint
from monitor.adapters.inventory.entries import Found, found_in
from monitor.adapters.inventory.errors import EXPECTED, Setback, setback
from monitor.core.bindings import BucketTarget
from monitor.core.inventory import Failure, FailureReason, Listing, Scope
from monitor.core.names import DomainName, InvalidName
from monitor.core.ownership import CnameToken

T = TypeVar("T")

FIRST_PAUSE = 0.5  # seconds, before a second attempt; doubled before each further one
JITTER = 0.5  # seconds at most, on top of each pause
LONGEST_PAUSE = 20.0


@dataclass(frozen=True, slots=True)
class OssAccount:
    """One account to look at; no globs mean all its buckets."""

    name: str
    endpoint: str
    region: str
    buckets: tuple[str, ...] = ("*",)
    concurrency: int = 4
    timeout: float = 10.0  # seconds, to connect and again to wait for each answer
    attempts: int = 4

    def wants(self, bucket: str) -> bool:
        return not self.buckets or any(fnmatchcase(bucket, glob) for glob in self.buckets)


class OssInventory:
    """An account of OSS as a source of bindings."""

    def __init__(
        self,
        account: OssAccount,
        credentials: CredentialsProvider,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        transport: Callable[[], BaseAdapter] | None = None,
    ) -> None:
        self._account = account
        self._credentials = credentials
        self._endpoint = Endpoint.written(account.endpoint, account.region)
        self._sleep = sleep
        self._transport = transport or partial(
            HTTPAdapter, pool_connections=account.concurrency, pool_maxsize=account.concurrency
        )

    @property
    def account(self) -> str:
        return self._account.name

    async def look(self) -> Listing:
        """Return what is bound now. Failures are part of the listing; never raises."""
        timeout = self._account.timeout
        with OssCalls(self._credentials, self._transport(), timeout) as calls:
            buckets = await self._buckets(calls)
            if isinstance(buckets, Setback):
                return Listing(self.account, (), (buckets.failure(Scope.ACCOUNT),))
            found = await self._read_all(calls, buckets)
        return Listing(
            self.account,
            tuple(binding for part in found for binding in part.bindings),
            tuple(failure for part in found for failure in part.failures),
            frozenset(bucket.name for bucket in buckets),
        )

    async def token(self, bucket: str, domain: DomainName) -> CnameToken | Failure | None:
        """Return what proves the domain for a bucket; None where the account has no such bucket.

        OSS gives the same token as long as it is valid. Never raises.
        """
        with OssCalls(self._credentials, self._transport(), self._account.timeout) as calls:
            buckets = await self._buckets(calls)
            if isinstance(buckets, Setback):
                return buckets.failure(Scope.ACCOUNT)
            entry = next((entry for entry in buckets if entry.name == bucket), None)
            if entry is None:
                return None
            endpoint = self._endpoint_of(entry)
            if endpoint is None:
                return _no_endpoint(entry).failure(Scope.BUCKET, bucket)
            found = await self._ask(partial(calls.cname_token, endpoint, bucket, domain.text))
        if isinstance(found, Setback):
            return found.failure(Scope.BUCKET, bucket)
        expires_at = from_rfc1123(found.expire_time) if found.expire_time else None
        return CnameToken(domain, bucket, self.account, found.token, expires_at)

    async def _buckets(self, calls: OssCalls) -> list[BucketEntry] | Setback:
        buckets: list[BucketEntry] = []
        marker = ""
        while True:
            page = await self._ask(partial(calls.list_buckets, self._endpoint, marker))
            if isinstance(page, Setback):
                return page
            buckets.extend(bucket for bucket in page.buckets if self._account.wants(bucket.name))
            marker = page.next_marker
            if not marker:
                return buckets

    async def _read_all(self, calls: OssCalls, buckets: list[BucketEntry]) -> list[Found]:
        gate = asyncio.Semaphore(self._account.concurrency)

        async def read_in_turn(bucket: BucketEntry) -> Found:
            async with gate:
                return await self._read(calls, bucket)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read_in_turn(bucket)) for bucket in buckets]
        return [task.result() for task in tasks]

    async def _read(self, calls: OssCalls, bucket: BucketEntry) -> Found:
        endpoint = self._endpoint_of(bucket)
        if endpoint is None:
            return _failed(bucket, _no_endpoint(bucket))
        entries = await self._ask(partial(calls.list_cnames, endpoint, bucket.name))
        if isinstance(entries, Setback) and entries.reason is FailureReason.WRONG_ENDPOINT:
            other = endpoint.beside(entries.endpoint)
            if other is not None:
                endpoint = other
                entries = await self._ask(partial(calls.list_cnames, endpoint, bucket.name))
        if isinstance(entries, Setback):
            return _failed(bucket, entries)
        return self._found(bucket, endpoint, entries)

    def _endpoint_of(self, bucket: BucketEntry) -> Endpoint | None:
        if self._endpoint.is_gateway:
            return Endpoint(self._endpoint.url, bucket.region)
        return self._endpoint.beside(bucket.extranet_endpoint, bucket.region)

    def _found(
        self, bucket: BucketEntry, endpoint: Endpoint, entries: tuple[CnameEntry, ...]
    ) -> Found:
        host = bucket.extranet_endpoint if endpoint.is_gateway else endpoint.host
        try:
            target = BucketTarget(bucket.name, DomainName.parse(host))
        except InvalidName:
            return _failed(bucket, _no_endpoint(bucket))
        return found_in(target, self.account, entries)

    async def _ask(self, call: Callable[[], T]) -> T | Setback:
        retrying = AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(self._account.attempts),
            wait=wait_exponential(FIRST_PAUSE, LONGEST_PAUSE) + wait_random(0, JITTER),
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )
        try:
            return await retrying(aside, call)
        except EXPECTED as error:
            return setback(error)


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, EXPECTED) and setback(error).may_pass


def _failed(bucket: BucketEntry, why: Setback) -> Found:
    return Found(failures=(why.failure(Scope.BUCKET, bucket.name),))


def _no_endpoint(bucket: BucketEntry) -> Setback:
    detail = f"its endpoint is no host name: {bucket.extranet_endpoint[:100]!r}"
    return Setback(FailureReason.MALFORMED, detail)
