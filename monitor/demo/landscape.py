"""What the embedded world shows: a shop whose domains are bound to buckets, well and badly."""

from dataclasses import dataclass

from monitor.demo.oss_state import DemoBucket, DemoCertificate, DemoCname
from monitor.demo.zones import RRset, Zone

SHOP = "shop.example"
HANGZHOU = "oss-cn-hangzhou.aliyuncs.com"
SHANGHAI = "oss-cn-shanghai.aliyuncs.com"

MODIFIED = f"img.{SHOP}"
OLD_TARGET = f"shop-img-old.{HANGZHOU}"
NEW_TARGET = f"shop-img.{SHANGHAI}"

_ADDRESS_TTL = 60
_FOR_YEARS = DemoCertificate("Mon, 2 Mar 2026 08:00:00 GMT", "Sun, 2 Mar 2036 08:00:00 GMT")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server of the world listens."""

    address: str
    port: int


def img_record(target: str, ttl: int) -> RRset:
    """The one record that is modified while the world runs."""
    return RRset.of(MODIFIED, "CNAME", ttl, f"{target}.")


def shop_zones(first: Place, second: Place, ttl: int) -> tuple[Zone, ...]:
    """Return the shop's zone and its parent's, delegated to two authorities."""
    ns1, ns2 = f"ns1.{SHOP}.", f"ns2.{SHOP}."
    names = (
        RRset.of(SHOP, "NS", 3600, ns1, ns2),
        RRset.of(f"ns1.{SHOP}", "A", 3600, first.address),
        RRset.of(f"ns2.{SHOP}", "A", 3600, second.address),
    )
    parent = Zone.of(
        "example",
        (
            RRset.of("example", "NS", 3600, "ns1.example."),
            RRset.of("ns1.example", "A", 3600, first.address),
            *names,
        ),
    )
    return Zone.of(SHOP, (*names, *_shop_records(ttl))), parent


def vendor_zones() -> tuple[Zone, ...]:
    """Return the zones of OSS, of a CDN and of a host that has gone away."""

    def addresses(name: str, *values: str) -> RRset:
        return RRset.of(name, "A", _ADDRESS_TTL, *values)

    balanced = f"{SHANGHAI}.gds.alibabadns.com"
    buckets = Zone.of(
        "aliyuncs.com",
        (
            RRset.of(f"shop-www.{HANGZHOU}", "A", _ADDRESS_TTL, "203.0.113.10", "203.0.113.11"),
            RRset.of(
                f"shop-img.{SHANGHAI}", "CNAME", _ADDRESS_TTL, f"{SHANGHAI}.gds.alibabadns.com."
            ),
            RRset.of(f"shop-img-old.{HANGZHOU}", "A", _ADDRESS_TTL, "203.0.113.10"),
            RRset.of(f"shop-www.{SHANGHAI}", "A", _ADDRESS_TTL, "203.0.113.20"),
            RRset.of(f"shop-img.{HANGZHOU}", "A", _ADDRESS_TTL, "203.0.113.10"),
            RRset.of(
                "shop-www.oss-cn-hangzhou-internal.aliyuncs.com", "A", _ADDRESS_TTL, "100.64.0.9"
            ),
        ),
    )
    balancer = Zone.of(
        "alibabadns.com",
        (addresses(balanced, "203.0.113.20"),),
    )
    cdn = Zone.of(
        "kunlunaq.com",
        (addresses(f"video.{SHOP}.w.kunlunaq.com", "198.51.100.7"),),
    )
    dedicated = Zone.of(
        "taihangcda.cn",
        (addresses("shop-www.cn-hangzhou.taihangcda.cn", "203.0.113.12"),),
    )
    return buckets, balancer, cdn, dedicated, Zone.of("gone.example.net", ())


def shop_buckets() -> list[DemoBucket]:
    """Return what OSS says: which domains are bound to which bucket."""
    return [
        DemoBucket.within(
            "cn-hangzhou",
            "shop-www",
            DemoCname(f"www.{SHOP}", certificate=_FOR_YEARS),
            DemoCname(SHOP),
            DemoCname(f"static.{SHOP}"),
            DemoCname(f"assets.{SHOP}"),
            DemoCname(f"xn--fsqu00a.{SHOP}"),
            DemoCname(f"*.{SHOP}"),
            DemoCname(f"twice.{SHOP}"),
        ),
        DemoBucket.within(
            "cn-shanghai",
            "shop-img",
            DemoCname(MODIFIED),
            DemoCname(f"video.{SHOP}"),
            DemoCname(f"twice.{SHOP}"),
            DemoCname(f"old.{SHOP}", status="Disabled"),
        ),
        DemoBucket.within("cn-beijing", "shop-logs"),
    ]


def _shop_records(ttl: int) -> tuple[RRset, ...]:
    def alias(label: str, target: str) -> RRset:
        return RRset.of(f"{label}.{SHOP}", "CNAME", ttl, f"{target}.")

    return (
        # A provider that flattens the apex serves the target's addresses under the shop's name.
        RRset.of(SHOP, "A", ttl, "203.0.113.10", "203.0.113.11"),
        alias("www", f"shop-www.{HANGZHOU}"),
        alias("static", f"shop-www.{SHANGHAI}"),
        alias("assets", "shop-www.oss-cn-hangzhou-internal.aliyuncs.com"),
        alias("xn--fsqu00a", "shop-www.cn-hangzhou.taihangcda.cn"),
        alias("video", f"video.{SHOP}.w.kunlunaq.com"),
        alias("twice", f"shop-img.{SHANGHAI}"),
        alias("docs", "docs.gone.example.net"),
        RRset.of(f"old.{SHOP}", "A", ttl, "198.51.100.80"),
        img_record(OLD_TARGET, ttl),
    )
