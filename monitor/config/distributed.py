"""`[distributed]`: the message broker between the daemon and its vantage points."""

from typing import Annotated, TypeAlias

from pydantic import PlainValidator, WithJsonSchema

from monitor.config.fields import FilePath, Vantage, parse_text, split_url
from monitor.config.secret import Secret
from monitor.config.section import Section

_SCHEMES = frozenset({"nats", "tls"})


def parse_nats_url(written: object) -> str:
    """Return the broker's URL; a user and a password belong in `credentials`."""
    text = parse_text(written)
    split_url(text, _SCHEMES)
    return text


NatsUrl: TypeAlias = Annotated[
    str, PlainValidator(parse_nats_url), WithJsonSchema({"type": "string", "minLength": 1})
]


class Distributed(Section):
    """Present only where workers ask from other places; `vantage` names a worker's own.

    The credentials are "user:password", as the broker's configuration has them.
    """

    nats_url: NatsUrl
    vantage: Vantage | None = None
    lease: Vantage | None = None
    tls_ca: FilePath | None = None
    credentials: Secret | None = None
