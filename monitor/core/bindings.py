"""What a domain is bound to: the exact name that its chain should hold."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from monitor.core.names import DomainName


@dataclass(frozen=True, slots=True, order=True)
class BucketTarget:
    """A bucket at the OSS endpoint of its region."""

    bucket: str
    endpoint: DomainName

    @property
    def name(self) -> DomainName:
        return DomainName(self.text)

    @property
    def text(self) -> str:
        """The name's text."""
        return f"{self.bucket}.{self.endpoint.text}"


@dataclass(frozen=True, slots=True, order=True)
class NameTarget:
    """Another exact name, given by hand: an access point, a proxy of one's own."""

    name: DomainName

    @property
    def text(self) -> str:
        """The name's text."""
        return self.name.text


Target: TypeAlias = BucketTarget | NameTarget

CONFIGURED = "config"  # the account of bindings that the configuration lists


@dataclass(frozen=True, slots=True)
class Binding:
    """A custom domain bound to a target, as an account or the configuration says.

    `bound_at` is when it was bound at OSS, not when its DNS record changed.
    """

    domain: DomainName
    target: Target
    account: str = CONFIGURED
    labels: tuple[tuple[str, str], ...] = ()
    is_enabled: bool = True
    bound_at: datetime | None = None
    certificate_expires_at: datetime | None = None

    @property
    def bucket(self) -> str:
        """The bucket's name; empty where the target is another name."""
        return self.target.bucket if isinstance(self.target, BucketTarget) else ""

    @property
    def endpoint(self) -> str:
        """The endpoint's host name; empty where the target is another name."""
        return self.target.endpoint.text if isinstance(self.target, BucketTarget) else ""
