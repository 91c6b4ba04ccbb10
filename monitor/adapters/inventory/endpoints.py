"""Where the calls go: endpoints as people and OSS write them."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server of OSS and the region that calls to it are signed for."""

    url: str
    region: str

    @classmethod
    def written(cls, text: str, region: str) -> Self:
        """Return the endpoint of a configuration: https, unless it says http itself."""
        # oss2 takes http where no scheme is written: keys would sign calls in the clear.
        return cls(text if "://" in text else f"https://{text}", region)

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def is_gateway(self) -> bool:
        """True for an address or localhost: nothing that OSS itself would ever be called.

        It is a door that somebody put before OSS, and the public names that OSS tells of
        its buckets may not be reachable from here: every call goes through that door.
        """
        return self.host == "localhost" or _is_address(self.host)

    def beside(self, host: str, region: str = "") -> "Endpoint | None":
        """Return another endpoint that OSS named, reached in the same way as this one.

        None for a text that is no host, and where it would lead past a gateway or into one.
        """
        if not _HOST.fullmatch(host):
            return None
        scheme = urlsplit(self.url).scheme
        other = Endpoint(f"{scheme}://{host}", region or region_of(host) or self.region)
        return other if other.is_gateway == self.is_gateway else None


def region_of(location: str) -> str:
    """Return `cn-hangzhou` for `oss-cn-hangzhou` and for its host name; empty if it has none."""
    label = location.partition(".")[0]
    return label.removeprefix("oss-") if label.startswith("oss-") else ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
