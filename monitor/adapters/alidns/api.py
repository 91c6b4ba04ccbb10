"""When the records of a name were last edited, and for which lines, asked of Alibaba Cloud DNS.

Of the vendor's library only the signature is used. Its own client carries an HTTP stack of 2019,
writes the signed URL, key id and token in it, to the log when a connection fails, and makes one
error of all that can happen on the way. So the signed parameters travel with requests, in the
body of a POST, where no log of URLs repeats them.

Source: alibabacloud.com/help/en/dns/api-alidns-2015-01-09-describedomainrecords, of whose
records alone the API says when they were edited: DescribeSubDomainRecords leaves that out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from monitor.adapters.alidns.errors import (
    ACTION,
    EXPECTED,
    LibraryMissing,
    Refused,
    Setback,
    setback,
)
from monitor.adapters.alidns.replies import Entries, Page, listing_of, page_of
from monitor.core.inventory import FailureReason
from monitor.core.names import DomainName
from monitor.core.provider import ProviderListing, ProviderReason

try:
    from aliyunsdkcore.request import CommonRequest
except ImportError:  # the extra [alidns] is not installed
    CommonRequest = None

FIRST_PAUSE = 0.5  # seconds, before a second attempt; doubled before each further one
JITTER = 0.5  # seconds at most, on top of each pause
LONGEST_PAUSE = 20.0

_VERSION = "2015-01-09"
_REGION = "cn-hangzhou"  # part of every signature; the service has no others
_PAGE_SIZE = 500  # the most that one call may ask for
_CHUNK = 65_536
_MOST_READ = 16_000_000  # octets of a reply; a page of 500 records has less than one million
_MOST_PAGES = 100  # far more than a zone can have records


class Keys(Protocol):
    """A key pair and perhaps its token."""

    def get_access_key_id(self) -> str: ...
    def get_access_key_secret(self) -> str: ...
    def get_security_token(self) -> str: ...


class KeySource(Protocol):
    """Where the keys come from; it is called in the thread of each call."""

    def get_credentials(self) -> Keys:
        """Return what is valid now, or raise the exception that `AlidnsRecords` was told."""


@dataclass(frozen=True, slots=True)
class AlidnsAccount:
    """One account to look at."""

    name: str
    endpoint: str = "https://alidns.aliyuncs.com"
    timeout: float = 10.0  # seconds, to connect and again to wait for each answer
    attempts: int = 4


class AlidnsRecords:
    """The zones of one account of Alibaba Cloud DNS.

    `unavailable` is what the source of keys raises when it has none; its message is shown.
    """

    def __init__(
        self,
        account: AlidnsAccount,
        credentials: KeySource,
        *,
        unavailable: type[Exception],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        transport: Callable[[], BaseAdapter] = HTTPAdapter,
    ) -> None:
        self._account = account
        self._credentials = credentials
        self._unavailable = unavailable
        self._sleep = sleep
        self._transport = transport
        self._zones: dict[DomainName, _Zone] = {}

    @property
    def account(self) -> str:
        return self._account.name

    async def look(self, owner: DomainName) -> ProviderListing:
        """Return what the zone holds for the name now. Failures are part of it; never raises."""
        with requests.Session() as session:
            transport = self._transport()
            session.mount("https://", transport)
            session.mount("http://", transport)
            entries = await self._search(session, owner)
        if isinstance(entries, Setback):
            return ProviderListing(self.account, (), entries.failure())
        return listing_of(self.account, owner, entries)

    async def _search(self, session: requests.Session, owner: DomainName) -> Entries | Setback:
        """Return what the smallest zone of the account tells that the name can be in.

        A key may be allowed to see one zone alone: what is refused for a smaller one, or for a
        name that is no zone, says nothing of it.
        """
        refused: Setback | None = None
        for zone in self._candidates(owner):
            entries = await self._read(session, zone, owner)
            if not isinstance(entries, Setback):
                self._zones[owner] = zone
                return entries
            if entries.reason in {FailureReason.DENIED, FailureReason.OTHER}:
                refused = entries
            elif entries.reason is not ProviderReason.UNKNOWN_DOMAIN:
                return entries
        text = f"no zone of this account holds {owner}"
        return refused or Setback(ProviderReason.UNKNOWN_DOMAIN, text)

    def _candidates(self, owner: DomainName) -> "Iterable[_Zone]":
        known = [self._zones[owner]] if owner in self._zones else []
        return dict.fromkeys([*known, *_zones_around(owner)])

    async def _read(
        self, session: requests.Session, zone: "_Zone", owner: DomainName
    ) -> Entries | Setback:
        entries: Entries = []
        for number in range(1, _MOST_PAGES + 1):
            parameters = {**_question(zone, owner), "PageNumber": str(number)}
            page = await self._ask(partial(self._call, session, parameters))
            if isinstance(page, Setback):
                return page
            entries += page.entries
            if len(entries) >= page.total:
                return entries
            if not page.entries:
                break
        text = f"the listing of {zone.name} does not come to an end"
        return Setback(FailureReason.MALFORMED, text)

    async def _ask(self, call: Callable[[], Page]) -> Page | Setback:
        retrying = AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(self._account.attempts),
            wait=wait_exponential(FIRST_PAUSE, LONGEST_PAUSE) + wait_random(0, JITTER),
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )
        try:
            return await retrying(asyncio.to_thread, call)
        except EXPECTED as error:
            return setback(error)
        except self._unavailable as error:
            return Setback(FailureReason.CREDENTIALS, str(error))

    def _call(self, session: requests.Session, parameters: Mapping[str, str]) -> Page:
        with session.post(
            self._account.endpoint,
            data=_signed(parameters, self._credentials),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            timeout=(self._account.timeout, self._account.timeout),
            stream=True,
            allow_redirects=False,  # this API never redirects; whoever does must not get the token
        ) as response:
            return page_of(response.status_code, _content_of(response))


def _content_of(response: requests.Response) -> bytes:
    """Return what came, if it is no more than a page can be. Raises Refused."""
    content = bytearray()
    for part in response.iter_content(_CHUNK):
        content += part
        if len(content) > _MOST_READ:
            raise Refused(response.status_code)
    return bytes(content)


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, EXPECTED) and setback(error).may_pass


@dataclass(frozen=True, slots=True)
class _Zone:
    name: DomainName
    written: str  # as the API may know it


def _zones_around(owner: DomainName) -> Iterator[_Zone]:
    """Yield every zone that the name can be in, smallest first; a top-level domain is none.

    The API lists a zone in Chinese by its Unicode name; whether it takes the A-labels is not told.
    """
    zone = owner.parent if owner.is_wildcard else owner
    while zone is not None and zone.parent is not None:
        for written in dict.fromkeys((zone.display, zone.text)):
            yield _Zone(zone, written)
        zone = zone.parent


def _question(zone: _Zone, owner: DomainName) -> dict[str, str]:
    question = {"DomainName": zone.written, "PageSize": str(_PAGE_SIZE)}
    host = "@" if owner == zone.name else owner.text.removesuffix(f".{zone.name}")
    if "xn--" in host:
        # It may be kept in either form: the whole zone is read, and names are compared here.
        return question
    return {**question, "SearchMode": "COMBINATION", "RRKeyWord": host}


def _signed(parameters: Mapping[str, str], source: KeySource) -> str:
    """Return the call as a form, with the library's signature."""
    if CommonRequest is None:
        raise LibraryMissing
    keys = source.get_credentials()
    request = CommonRequest(product="Alidns", version=_VERSION, action_name=ACTION)
    request.set_method("POST")
    request.set_accept_format("JSON")
    for name, value in parameters.items():
        request.add_query_param(name, value)
    if keys.get_security_token():
        request.add_query_param("SecurityToken", keys.get_security_token())
    request.trans_to_acs_request()
    url: str = request.get_url(_REGION, keys.get_access_key_id(), keys.get_access_key_secret())
    return urlsplit(url).query
