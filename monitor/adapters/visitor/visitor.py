"""Visits: bounded in time and in octets, and only where somebody on the outside is."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from monitor.adapters.visitor.certificate import served_certificate
from monitor.adapters.visitor.exchange import NotHttp, get
from monitor.core.addresses import may_be_asked
from monitor.core.names import DomainName
from monitor.core.serving import (
    CertificateSign,
    HttpAnswer,
    HttpOutcome,
    HttpSilence,
    ServedCertificate,
    SilenceReason,
    Visit,
)
from monitor.ports import Clock

_MOST_ADDRESSES = 2  # that are tried in one visit


@dataclass(frozen=True, slots=True)
class VisitPolicy:
    """How long one request may take, at which ports, and where it may go."""

    timeout: timedelta = timedelta(seconds=5)
    port: int = 80
    tls_port: int = 443
    looks_at_certificate: bool = False
    allow_private: bool = False


class HttpVisitor:
    """Implements the visitor port; the context decides whose certificates are good."""

    def __init__(
        self, policy: VisitPolicy, clock: Clock, context: ssl.SSLContext | None = None
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._given = context

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return self._given or ssl.create_default_context()  # which reads many files

    async def visit(self, domain: DomainName, addresses: Sequence[str]) -> Visit:
        allow_private = self._policy.allow_private
        allowed = [a for a in addresses if may_be_asked(a, allow_private=allow_private)]
        if not allowed:
            return Visit(self._clock.now(), _refused(addresses))
        outcome: HttpOutcome = HttpSilence(SilenceReason.NO_ADDRESS)
        address = ""
        for address in allowed[:_MOST_ADDRESSES]:
            outcome = await self._ask(address, domain)
            if isinstance(outcome, HttpAnswer):
                break
        certificate = None
        if self._policy.looks_at_certificate:
            certificate = await self._certificate(address, domain)
        return Visit(self._clock.now(), outcome, address, certificate)

    async def _ask(self, address: str, domain: DomainName) -> HttpOutcome:
        try:
            async with asyncio.timeout(self._policy.timeout.total_seconds()):
                return await get(address, self._policy.port, domain.text)
        except TimeoutError:
            return HttpSilence(SilenceReason.TIMEOUT, f"no response of {address} in time")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            return HttpSilence(SilenceReason.NETWORK_ERROR, f"{address}: {reason}")
        except NotHttp as error:
            return HttpSilence(SilenceReason.MALFORMED, f"{address}: {error}")

    async def _certificate(self, address: str, domain: DomainName) -> ServedCertificate:
        try:
            async with asyncio.timeout(self._policy.timeout.total_seconds()):
                return await served_certificate(
                    address, self._policy.tls_port, domain.text, self._context
                )
        except (OSError, ValueError) as error:  # a name that TLS cannot write is a ValueError
            return ServedCertificate(CertificateSign.NO_ANSWER, detail=type(error).__name__)


def _refused(addresses: Sequence[str]) -> HttpSilence:
    if not addresses:
        return HttpSilence(SilenceReason.NO_ADDRESS)
    return HttpSilence(SilenceReason.NOT_PUBLIC, ", ".join(addresses[:_MOST_ADDRESSES]))
