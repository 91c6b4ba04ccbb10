"""A small world in which all is well, until somebody who knows of it breaks something."""

from collections.abc import Iterable, Mapping, Sequence
from random import Random

from monitor.adapters.clock import SystemClock
from monitor.demo.authority import Authority, one_of
from monitor.demo.caches import Cache
from monitor.demo.habits import honest
from monitor.demo.landscape import HANGZHOU, SHOP
from monitor.demo.oss_state import DemoAccount, DemoBucket, DemoCname
from monitor.demo.ports import free_port
from monitor.demo.signature import AccessKey
from monitor.demo.surroundings import Surroundings
from monitor.demo.zones import RRset, Zone, with_record
from tests.chaos.config import KEY_ID, KEY_SECRET, Pace, Places, config_text
from tests.servers.endpoints import Endpoint

AT = "127.0.0.1"
BUCKET = "shop-www"
RIGHT = f"{BUCKET}.{HANGZHOU}"
ELSEWHERE = "www.other.example.net"  # a host of somebody else's
LABELS = ("www", "img", "static", "docs")
RESOLVERS = ("one", "two", "three")
_TTL = 1


class SmallWorld(Surroundings):
    """Two authorities, and honest caches; every domain is bound to one bucket and leads there."""

    def __init__(self, labels: Sequence[str] = LABELS) -> None:
        rng = Random(1)  # a world that is the same each time
        self.domains = tuple(f"{label}.{SHOP}" for label in labels)
        authorities = tuple(
            Authority(AT, free_port([AT]), zones, nsid=f"authority-{number}")
            for number, zones in enumerate((_zones(self.domains), _zones(self.domains)[:1]), 1)
        )
        upstream = one_of(authorities, rng)
        caches = {
            name: Cache(AT, free_port([AT]), honest(), upstream, nsid=name, rng=rng)
            for name in RESOLVERS
        }
        key = AccessKey("CHAOS-KEY-ID", "chaos-key-secret")
        bound = (DemoCname(domain) for domain in self.domains)
        bucket = DemoBucket.within("cn-hangzhou", BUCKET, *bound)
        account = DemoAccount("1000000000000001", [key], [bucket])
        super().__init__(authorities, caches, account, SystemClock().now)

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables to which the configuration's secrets refer."""
        return {KEY_ID: self.key.id, KEY_SECRET: self.key.secret}

    def point(self, domains: Iterable[str], target: str) -> None:
        """Let every authority serve the CNAME of these domains to the target."""
        for authority in self.authorities:
            shop, *others = authority.zones
            for domain in domains:
                shop = with_record(shop, RRset.of(domain, "CNAME", _TTL, f"{target}."))
            authority.zones = (shop, *others)

    def config_text(self, listen: Endpoint, database: str, pager: str) -> str:
        """Return a configuration that watches this world, and tells of trouble at the pager's."""
        places = Places(
            listen=listen,
            database=database,
            pager=pager,
            oss=self.oss.url,
            zone=SHOP,
            authorities=[Endpoint(it.address, it.port) for it in self.authorities],
            resolvers={name: Endpoint(it.address, it.port) for name, it in self.caches.items()},
        )
        return config_text(_PACE, places)


def _zones(domains: Iterable[str]) -> tuple[Zone, ...]:
    ours = (RRset.of(domain, "CNAME", _TTL, f"{RIGHT}.") for domain in domains)
    return (
        Zone.of(SHOP, (RRset.of(SHOP, "NS", 3600, f"ns1.{SHOP}.", f"ns2.{SHOP}."), *ours)),
        Zone.of("aliyuncs.com", (RRset.of(RIGHT, "A", 60, "203.0.113.10"),)),
        Zone.of("other.example.net", (RRset.of(ELSEWHERE, "A", 60, "198.51.100.9"),)),
    )


# A window of minutes in which nothing has to be waited for longer than a few seconds; silence for
# a moment is nothing on a busy machine.
_PACE = Pace(
    schedule="""\
authority_interval = "1s"
authority_fast_interval = "0.5s"
recursive_interval = "1s"
timeout = "1s"
attempts = 2
""",
    propagation="""\
window = "10m"
follow_for = "10m"
sample_gap = "0.3s"
expiry_margin = "1s"
merge_within = "1s"
watch_min = "1s"
watch_max = "3s"
overstay_grace = "20s"
overstay_retry = "2s"
overstay_backoff = "5s"
split_alert_after = "20s"
split_heartbeat = "3s"
hold_down = "2s"
retry_gap = "0.3s"
retry_max = "3s"
unreachable_after = "5s"
""",
    refresh="2s",
    queries=1000,
)
