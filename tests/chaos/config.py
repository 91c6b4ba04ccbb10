"""The configuration of a daemon that faults are played against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.servers.endpoints import Endpoint

GROUP = "chaos"
KEY_ID, KEY_SECRET = "CHAOS_KEY_ID", "CHAOS_KEY_SECRET"  # the variables that hold the key


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast all goes: the keys of two sections, and the most `queries` a second to a server.

    The account is read anew after `refresh`.
    """

    schedule: str
    propagation: str
    refresh: str
    queries: int


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is: `database`, `pager` and `oss` by their URLs."""

    listen: Endpoint
    database: str
    pager: str
    oss: str
    zone: str
    authorities: Sequence[Endpoint]
    resolvers: Mapping[str, Endpoint]


def config_text(pace: Pace, places: Places) -> str:
    """Return the configuration, by which trouble is told at the pager's."""
    resolvers = (_resolver(name, at, pace) for name, at in places.resolvers.items())
    return "\n".join((_fixed(pace, places), *resolvers))


def _fixed(pace: Pace, places: Places) -> str:
    authorities = ", ".join(f'"{at}"' for at in places.authorities)
    return f"""\
[daemon]
listen = "{places.listen}"
database = "{places.database}"
log_format = "json"

[schedule]
{pace.schedule}
[propagation]
{pace.propagation}
[authority]
servers = {{ "{places.zone}" = [{authorities}] }}
max_qps = {pace.queries}

[[accounts]]
name = "shop"
endpoint = "{places.oss}"
region = "cn-hangzhou"
refresh = "{pace.refresh}"
credentials = {{ kind = "static", access_key_id = {{ env = "{KEY_ID}" }}, \
access_key_secret = {{ env = "{KEY_SECRET}" }} }}

[[alerting.channels]]
name = "pager"
url = "{places.pager}"
severity = "warning"
"""


def _resolver(name: str, at: Endpoint, pace: Pace) -> str:
    return f"""\
[[resolvers]]
name = "{name}"
address = "{at.address}"
port = {at.port}
group = "{GROUP}"
max_qps = {pace.queries}
"""
