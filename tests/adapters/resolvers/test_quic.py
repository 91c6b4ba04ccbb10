from datetime import timedelta

import dns.flags
import dns.message
import dns.rrset

from monitor.adapters.clock import SystemClock
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.core.answers import Answer, NoAnswer, NoAnswerReason, Question
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from monitor.demo.ports import free_port
from tests.adapters.resolvers.doq import doq_server
from tests.servers.certificates import SERVER_NAME, Certificate

QUESTION = Question(DomainName("www.shop.test"))


async def test_a_resolver_is_asked_over_quic(dns_certificate: Certificate) -> None:
    port = free_port(["127.0.0.1"])
    async with doq_server("127.0.0.1", port, dns_certificate, _respond):
        reply = await _prober().ask(_resolver(port, str(dns_certificate.ca_file)), QUESTION)
    assert reply.transport is Transport.DOQ
    assert isinstance(reply.outcome, Answer)
    assert reply.outcome.aliases[0].target == DomainName("b12.oss-cn-hangzhou.aliyuncs.com")


async def test_a_quic_server_with_a_foreign_certificate_gives_no_answer(
    dns_certificate: Certificate,
) -> None:
    port = free_port(["127.0.0.1"])
    async with doq_server("127.0.0.1", port, dns_certificate, _respond):
        reply = await _prober().ask(_resolver(port, ca_file=None), QUESTION)
    assert isinstance(reply.outcome, NoAnswer)


async def test_nobody_listening_for_quic_is_a_timeout() -> None:
    reply = await _prober().ask(_resolver(free_port(["127.0.0.1"]), ca_file=None), QUESTION)
    assert isinstance(reply.outcome, NoAnswer)
    assert reply.outcome.reason in {NoAnswerReason.TIMEOUT, NoAnswerReason.NETWORK_ERROR}


def _prober() -> DnsProber:
    return DnsProber(SystemClock(), Limits(timedelta(seconds=1), attempts=1))


def _resolver(port: int, ca_file: str | None) -> Resolver:
    return Resolver(
        "quic", "127.0.0.1", port, Transport.DOQ, server_name=SERVER_NAME, ca_file=ca_file
    )


def _respond(query: dns.message.Message) -> dns.message.Message:
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    target = "b12.oss-cn-hangzhou.aliyuncs.com."
    response.answer.append(dns.rrset.from_text("www.shop.test.", 60, "IN", "CNAME", target))
    response.answer.append(dns.rrset.from_text(target, 60, "IN", "A", "203.0.113.1"))
    return response
