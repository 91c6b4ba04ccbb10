"""Which host names are OSS end points, of which bucket and region.

The classes are those of the vendor's pages on regions, custom domains, acceleration and dedicated
CNAMEs. Suffixes that the vendor may change are part of the policy, not of this file.
"""

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from hashlib import blake2b

from monitor.core.names import DomainName


class EndpointClass(Enum):
    """The kinds of host name that OSS gives a bucket; the value is used in configuration."""

    PUBLIC = "public"
    ACCELERATE = "accelerate"
    DUAL_STACK = "dual_stack"
    DEDICATED = "dedicated"
    FINANCE = "finance"
    ACCESS_POINT = "access_point"
    REGIONLESS = "regionless"
    LEGACY = "legacy"
    INTERNAL = "internal"  # reachable from inside only: never accepted


DEFAULT_CLASSES = frozenset(
    {
        EndpointClass.PUBLIC,
        EndpointClass.ACCELERATE,
        EndpointClass.DUAL_STACK,
        EndpointClass.DEDICATED,
        EndpointClass.FINANCE,
    }
)


@dataclass(frozen=True, slots=True)
class OssName:
    """A host name of OSS, taken apart.

    `bucket` is empty on a bare regional host; `region` is an id such as `cn-hangzhou`, or None
    where the name does not tell it (acceleration).
    """

    name: DomainName
    endpoint_class: EndpointClass
    bucket: str
    region: str | None


@dataclass(frozen=True)
class TargetPolicy:
    """Which names count as the way to a bucket, as the configuration says.

    `accept` holds globs for names that no class knows; `*` never crosses a dot.
    """

    classes: frozenset[EndpointClass] = DEFAULT_CLASSES
    accept: tuple[str, ...] = ("*.oss-cn-*.aliyuncs.com",)
    dedicated_suffixes: tuple[str, ...] = ()
    proxy_suffixes: tuple[str, ...] = ()
    is_proxy_in_effect: bool = True

    def is_accepted_pattern(self, name: DomainName) -> bool:
        return any(pattern.fullmatch(name.text) for pattern in self._accepted)

    def is_proxy(self, name: DomainName) -> bool:
        """True for a name at or below a suffix of a CDN, a WAF or another proxy."""
        return any(pattern.fullmatch(name.text) for pattern in self._proxies)

    def dedicated_suffix(self, name: DomainName) -> str | None:
        return next((s for s in self.dedicated_suffixes if name.text.endswith("." + s)), None)

    @cached_property
    def digest(self) -> bytes:
        """Sixteen octets that are the same for the same policy, in every process."""
        classes = sorted(kind.value for kind in self.classes)
        lists = (classes, self.accept, self.dedicated_suffixes, self.proxy_suffixes)
        text = "\n".join((*(" ".join(names) for names in lists), str(self.is_proxy_in_effect)))
        return blake2b(text.encode(), digest_size=16).digest()

    @cached_property
    def _accepted(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(_glob(pattern)) for pattern in self.accept)

    @cached_property
    def _proxies(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(rf"(?:.+\.)?{_glob(s)}") for s in self.proxy_suffixes)


def _glob(pattern: str) -> str:
    return r"[^.]*".join(re.escape(part) for part in pattern.lower().rstrip(".").split("*"))


_BUCKET = r"(?P<bucket>[a-z0-9][a-z0-9-]{1,61}[a-z0-9])"
_REGION = r"(?P<region>[a-z0-9]+(?:-[a-z0-9]+)*)"

# First match wins: special words that look like a region stand before the general form.
_ALIYUNCS = [
    (EndpointClass.ACCELERATE, rf"(?:{_BUCKET}\.)?oss-accelerate(?:-overseas)?\.aliyuncs\.com"),
    (EndpointClass.INTERNAL, rf"(?:{_BUCKET}\.)?oss-{_REGION}-internal\.aliyuncs\.com"),
    (EndpointClass.INTERNAL, rf"{_BUCKET}\.{_REGION}-internal\.oss\.aliyuncs\.com"),
    (EndpointClass.INTERNAL, rf"(?:{_BUCKET}\.)?vpc100-oss-{_REGION}\.aliyuncs\.com"),
    (EndpointClass.REGIONLESS, rf"(?:{_BUCKET}\.)?oss-(?P<region>rg-[a-z0-9-]+)\.aliyuncs\.com"),
    (
        EndpointClass.FINANCE,
        rf"(?:{_BUCKET}\.)?oss-(?P<region>cn-[a-z0-9-]*(?:finance|gov)[a-z0-9-]*)\.aliyuncs\.com",
    ),
    (EndpointClass.DUAL_STACK, rf"{_BUCKET}\.{_REGION}\.oss\.aliyuncs\.com"),
    (EndpointClass.PUBLIC, rf"(?:{_BUCKET}\.)?oss-{_REGION}\.aliyuncs\.com"),
    (EndpointClass.LEGACY, rf"{_BUCKET}\.oss\.aliyuncs\.com"),
    (EndpointClass.LEGACY, rf"{_BUCKET}\.img-{_REGION}\.aliyuncs\.com"),
]
_PATTERNS = [(kind, re.compile(pattern)) for kind, pattern in _ALIYUNCS]
_DEDICATED = re.compile(rf"{_BUCKET}\.{_REGION}")

# The host of finance and government regions does not follow from the region id.
_REGION_OF_HOST = {
    "cn-hzfinance": "cn-hangzhou-finance",
    "cn-szfinance": "cn-shenzhen-finance-1",
    "cn-shanghai-finance-1-pub": "cn-shanghai-finance-1",
    "cn-beijing-finance-1-pub": "cn-beijing-finance-1",
}
_REGION_OF_DUAL_STACK = {
    "cn-shanghai-finance": "cn-shanghai-finance-1",
    "cn-shenzhen-finance": "cn-shenzhen-finance-1",
}


def classify(name: DomainName, policy: TargetPolicy) -> OssName | None:
    """Return what kind of OSS name this is; None for every other name.

    Patterns hold at label borders and at the end, so look-alikes such as
    `b.oss-cn-hangzhou.aliyuncs.com.evil.net` are other names.
    """
    for kind, pattern in _PATTERNS:
        if match := pattern.fullmatch(name.text):
            return _oss_name(name, kind, match)
    suffix = policy.dedicated_suffix(name)
    if suffix and (match := _DEDICATED.fullmatch(name.text.removesuffix("." + suffix))):
        return _oss_name(name, EndpointClass.DEDICATED, match)
    return None


def region_of(endpoint: DomainName, policy: TargetPolicy) -> str | None:
    """Return the region id of an endpoint's host name; None where it does not tell."""
    known = classify(DomainName(f"bucket.{endpoint}"), policy)
    return known.region if known else None


def _oss_name(name: DomainName, kind: EndpointClass, match: re.Match[str]) -> OssName:
    groups = match.groupdict()
    bucket, region = groups.get("bucket") or "", groups.get("region")
    if kind is EndpointClass.PUBLIC and bucket.endswith("-ossalias"):
        kind = EndpointClass.ACCESS_POINT
    if kind is EndpointClass.LEGACY and region is None:
        region = "cn-hangzhou"  # `oss.aliyuncs.com` is the oldest region's first name
    if region is not None:
        region = _REGION_OF_HOST.get(region, region)
    if kind is EndpointClass.DUAL_STACK and region is not None:
        region = _REGION_OF_DUAL_STACK.get(region, region)
    return OssName(name, kind, bucket, region)
