"""`[authority]`: how the authoritative servers of a zone are found and asked."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from monitor.config.fields import NOT_EMPTY, ExactDomain, Word
from monitor.config.section import Section
from monitor.config.sockets import MAX_PORT, ServerAddress


class AuthoritySettings(Section):
    """`servers` overrides discovery by zone; an empty `bootstrap` means the first three."""

    port: int = Field(default=53, ge=1, le=MAX_PORT)
    servers: Mapping[ExactDomain, Annotated[tuple[ServerAddress, ...], NOT_EMPTY]] = Field(
        default_factory=dict
    )
    bootstrap: tuple[Word, ...] = ()
    max_qps: float = Field(default=50, gt=0, allow_inf_nan=False)
