"""`[targets]`: which names count as the way to a bucket."""

import difflib
from typing import Annotated, TypeAlias

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from monitor.config.faults import quoted, refused
from monitor.config.fields import ExactDomain, parse_text
from monitor.config.globs import Glob, Suffix, TargetGlob
from monitor.config.section import Section
from monitor.core.names import DomainName
from monitor.core.targets import EndpointClass, TargetPolicy

# CDN, DCDN, ESA, WAF and Anti-DDoS: suffixes that the vendor's pages and third parties name.
PROXY_SUFFIXES = (
    "kunlun*.com",
    "alikunlun.com",
    "alikunlun.net",
    "cdngslb.com",
    "tbcache.com",
    "alicdn.com",
    "queniu*.com",
    "lahuashanbx.com",
    "a1.init*.com",
    "yundunwaf*.com",
    "aliyunwaf.com",
    "aliyunddos*.com",
)


_ACCEPTABLE = [kind.value for kind in EndpointClass if kind is not EndpointClass.INTERNAL]


def parse_accepted_class(written: object) -> EndpointClass:
    """Return a class of names that can be reached from outside."""
    if isinstance(written, EndpointClass):
        return written
    text = parse_text(written)
    if text == EndpointClass.INTERNAL.value:
        hint = "an internal endpoint cannot be reached from outside: leave it out"
        raise refused(f"must not be {quoted(text)}", hint)
    if text not in _ACCEPTABLE:
        close = difflib.get_close_matches(text, _ACCEPTABLE, n=1)
        hint = f"did you mean {quoted(close[0])}?" if close else "write one of these words"
        listed = ", ".join(quoted(word) for word in _ACCEPTABLE)
        raise refused(f"must be one of {listed} (got {quoted(text)})", hint)
    return EndpointClass(text)


AcceptedClass: TypeAlias = Annotated[
    EndpointClass,
    PlainValidator(parse_accepted_class),
    PlainSerializer(lambda kind: kind.value, return_type=str),
    WithJsonSchema({"enum": _ACCEPTABLE}),
]


class Targets(Section):
    """The names that a domain may point to, by class, by pattern and by suffix."""

    accept: tuple[TargetGlob, ...] = (Glob("*.oss-cn-*.aliyuncs.com"),)
    accept_classes: tuple[AcceptedClass, ...] = (
        EndpointClass.PUBLIC,
        EndpointClass.ACCELERATE,
        EndpointClass.DUAL_STACK,
        EndpointClass.DEDICATED,
        EndpointClass.FINANCE,
    )
    dedicated_suffixes: tuple[ExactDomain, ...] = (
        DomainName("taihangcda.cn"),
        DomainName("thepacificxxs.com"),
    )
    via_proxy_suffixes: tuple[Suffix, ...] = tuple(Glob(suffix) for suffix in PROXY_SUFFIXES)
    via_proxy_in_effect: bool = True

    @property
    def policy(self) -> TargetPolicy:
        """The keys as the core judges by them."""
        return TargetPolicy(
            classes=frozenset(self.accept_classes),
            accept=tuple(glob.text for glob in self.accept),
            dedicated_suffixes=tuple(suffix.text for suffix in self.dedicated_suffixes),
            proxy_suffixes=tuple(suffix.text for suffix in self.via_proxy_suffixes),
            is_proxy_in_effect=self.via_proxy_in_effect,
        )
