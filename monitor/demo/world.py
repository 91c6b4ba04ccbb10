"""The embedded world as a whole: servers, a loopback OSS, and one record that is modified."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Self

from monitor.demo.authority import Authority, one_of
from monitor.demo.caches import Cache
from monitor.demo.habits import Habit, dead, honest, override, pool, serve_stale, ttl_floor
from monitor.demo.landscape import (
    HANGZHOU,
    NEW_TARGET,
    OLD_TARGET,
    SHOP,
    Place,
    img_record,
    shop_buckets,
    shop_zones,
    vendor_zones,
)
from monitor.demo.oss_state import DemoAccount
from monitor.demo.ports import free_port, loopback_addresses
from monitor.demo.signature import AccessKey
from monitor.demo.surroundings import Surroundings
from monitor.demo.zones import RRset, with_record

KEY_ID_VARIABLE = "OSS_CNAME_MONITOR_DEMO_KEY_ID"
KEY_SECRET_VARIABLE = "OSS_CNAME_MONITOR_DEMO_KEY_SECRET"  # noqa: S105  # a variable's name


@dataclass(frozen=True, slots=True)
class Pace:
    """How the world's seconds pass; all of them in seconds of the clock on the wall."""

    ttl: int = 20
    floor: int = 60
    modified_after: float = 30.0
    second_authority_lags: float = 8.0
    cut_off_for: float = 60.0
    authority_interval: float = 2.0
    recursive_interval: float = 4.0
    window: float = 240.0
    timeout: float = 0.3

    @classmethod
    def at(cls, speed: float) -> Self:
        """Return the usual pace, so many times faster; a TTL has whole seconds, at least one."""
        usual = cls()
        return cls(
            ttl=max(1, round(usual.ttl / speed)),
            floor=max(2, round(usual.floor / speed)),
            modified_after=usual.modified_after / speed,
            second_authority_lags=usual.second_authority_lags / speed,
            cut_off_for=usual.cut_off_for / speed,
            authority_interval=usual.authority_interval / speed,
            recursive_interval=usual.recursive_interval / speed,
            window=usual.window / speed,
        )


class World(Surroundings):
    """A shop with two authorities, and a cache of each habit."""

    def __init__(self, pace: Pace, now: Callable[[], datetime]) -> None:
        self.pace = pace
        rng = Random(1)  # noqa: S311  # a world that is the same each time
        places = _places(2 + len(_HABITS))
        authorities = _authorities(places[:2], pace)
        upstream = one_of(authorities, rng)
        caches = {
            name: Cache(
                place.address, place.port, habit(pace), upstream, nsid=f"{name}-1", rng=rng
            )
            for (name, habit), place in zip(_HABITS.items(), places[2:], strict=True)
        }
        key = AccessKey("DEMO-KEY-ID", "demo-key-secret")
        account = DemoAccount("1000000000000001", [key], shop_buckets())
        super().__init__(authorities, caches, account, now)

    async def tell_story(self) -> None:
        """Modify the record after a while: one authority follows late, one cache is cut off."""
        await asyncio.sleep(self.pace.modified_after)
        self.caches["stale"].upstream_reachable = False
        self.modify(self.authorities[0])
        await asyncio.sleep(self.pace.second_authority_lags)
        self.modify(self.authorities[1])
        await asyncio.sleep(self.pace.cut_off_for)
        self.caches["stale"].upstream_reachable = True

    @property
    def _propagation(self) -> str:
        """A window of minutes instead of days, and everything in it as much faster."""
        share = self.pace.window / _REAL_WINDOW
        seconds = {key: max(least, real * share) for key, (real, least) in _PACED.items()}
        return "".join(f'{key} = "{value:.3f}s"\n' for key, value in seconds.items())

    def modify(self, authority: Authority) -> None:
        """Let this authority serve the new target."""
        self.publish(authority, img_record(NEW_TARGET, self.pace.ttl))

    def publish(self, authority: Authority, record: RRset) -> None:
        """Let this authority serve a record of the shop's in the place of its predecessor."""
        shop, *others = authority.zones
        authority.zones = (with_record(shop, record), *others)

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables to which the configuration's secrets refer."""
        return {KEY_ID_VARIABLE: self.key.id, KEY_SECRET_VARIABLE: self.key.secret}

    def config_text(self, listen: str, database: str) -> str:
        """Return a configuration that watches this world."""
        first, second = self.authorities
        servers = f'"{SHOP}" = ["{first.address}:{first.port}", "{second.address}:{second.port}"]'
        is_found = first.port == second.port  # name servers are found by address alone
        authority = f"port = {first.port}" if is_found else f"servers = {{ {servers} }}"
        resolvers = "".join(_resolver(name, cache) for name, cache in self.caches.items())
        return _CONFIG.format(
            listen=listen,
            database=database,
            authority_interval=_seconds(self.pace.authority_interval),
            recursive_interval=_seconds(self.pace.recursive_interval),
            timeout=_seconds(self.pace.timeout),
            propagation=self._propagation,
            authority=authority,
            oss=self.oss.url,
            docs=f"docs.{SHOP}",
            endpoint=HANGZHOU,
            key_id=KEY_ID_VARIABLE,
            key_secret=KEY_SECRET_VARIABLE,
            resolvers=resolvers,
        )


def _seconds(value: float) -> str:
    """Return it in its shortest writing without an exponent."""
    return f"{value:.6f}".rstrip("0").rstrip(".") + "s"


_REAL_WINDOW = 72 * 3600.0
# Seconds in a window of 72 hours, and the least that whole seconds of TTL and a person allow.
_PACED: Mapping[str, tuple[float, float]] = {
    "window": (_REAL_WINDOW, 10.0),
    "follow_for": (7 * 86400.0, 20.0),
    "sample_gap": (2.0, 0.5),
    "expiry_margin": (2.0, 1.0),
    "merge_within": (30.0, 1.0),
    "watch_min": (300.0, 4.0),
    "watch_max": (3600.0, 12.0),
    "overstay_grace": (300.0, 3.0),
    "overstay_retry": (30.0, 2.0),
    "overstay_backoff": (1800.0, 8.0),
    "split_alert_after": (3600.0, 6.0),
    "split_heartbeat": (1800.0, 6.0),
    "hold_down": (900.0, 5.0),
    "retry_gap": (3.0, 0.5),
    "retry_max": (600.0, 5.0),
    "unreachable_after": (300.0, 5.0),
}

_HABITS: Mapping[str, Callable[[Pace], Habit]] = {
    "honest": lambda _: honest(),
    "pool": lambda _: pool(4),
    "floor": lambda pace: ttl_floor(pace.floor),
    "stale": lambda _: serve_stale(),
    "override": lambda pace: override([img_record(OLD_TARGET, pace.ttl)]),
    "dead": lambda _: dead(),
}

_CONFIG = """\
[daemon]
listen = "{listen}"
database = "sqlite:///{database}"

[schedule]
authority_interval = "{authority_interval}"
authority_fast_interval = "{authority_interval}"
recursive_interval = "{recursive_interval}"
timeout = "{timeout}"
attempts = 2

[propagation]
{propagation}
[authority]
{authority}

[[bindings]]
domain = "{docs}"
bucket = "shop-www"
endpoint = "{endpoint}"

[[accounts]]
name = "shop"
endpoint = "{oss}"
region = "cn-hangzhou"
refresh = "10s"
credentials = {{ kind = "static", access_key_id = {{ env = "{key_id}" }}, \
access_key_secret = {{ env = "{key_secret}" }} }}

{resolvers}"""


def _resolver(name: str, cache: Cache) -> str:
    return (
        f'[[resolvers]]\nname = "{name}"\naddress = "{cache.address}"\nport = {cache.port}\n'
        f'group = "demo"\nmax_qps = 1000\n\n'
    )


def _places(count: int) -> list[Place]:
    """Return an address each on one port, or, where there is but one address, a port each."""
    addresses = loopback_addresses(count)
    if len(set(addresses)) == count:
        port = free_port(addresses)
        return [Place(address, port) for address in addresses]
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port(addresses))
    return [Place(address, port) for address, port in zip(addresses, ports, strict=True)]


def _authorities(places: Sequence[Place], pace: Pace) -> tuple[Authority, Authority]:
    first, second = places
    shop, parent = shop_zones(first, second, pace.ttl)
    vendor = vendor_zones()
    return (
        Authority(first.address, first.port, (shop, parent, *vendor), nsid="authority-1"),
        Authority(second.address, second.port, (shop,), nsid="authority-2"),
    )
