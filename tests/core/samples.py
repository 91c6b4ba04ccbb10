"""Values that the tests of the core share."""

from datetime import UTC, datetime, timedelta

from monitor.core.answers import Address, Alias, Answer, NoAnswer, NoAnswerReason, Rcode, Reply
from monitor.core.bindings import Binding, BucketTarget
from monitor.core.names import DomainName
from monitor.core.servers import Transport
from monitor.core.targets import TargetPolicy
from monitor.core.verdict import Expectation, judge
from monitor.core.views import Sighting, View

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

DOMAIN = DomainName("img.shop.example")
ENDPOINT = DomainName("oss-cn-shanghai.aliyuncs.com")
TARGET = BucketTarget("shop-img", ENDPOINT)
BINDING = Binding(DOMAIN, TARGET)


def binding(domain: str, bucket: str = "shop-img", account: str = "shop") -> Binding:
    return Binding(DomainName.parse(domain), BucketTarget(bucket, ENDPOINT), account)


def pointing_to(target: DomainName | str, domain: DomainName = DOMAIN) -> Answer:
    """Return the answer of a domain with one CNAME, whose target has an address."""
    name = DomainName(str(target))
    return Answer(
        Rcode.NOERROR,
        aliases=(Alias(domain, name, 60),),
        addresses=(Address(name, "203.0.113.1", 60),),
        is_authoritative=True,
    )


RIGHT = pointing_to(TARGET.name)
WRONG = pointing_to("elsewhere.example")
SILENT = NoAnswer(NoAnswerReason.TIMEOUT, "> 2 s")


def sighting(
    server: str,
    outcome: Answer | NoAnswer,
    at: datetime = START,
    target_addresses: frozenset[str] | None = None,
) -> Sighting:
    reply = Reply(outcome, at, timedelta(milliseconds=12), Transport.UDP, b"\x00wire")
    expected = Expectation(DOMAIN, TARGET, TargetPolicy())
    verdict = judge(outcome, expected, target_addresses=target_addresses)
    return Sighting(server, reply, verdict)


def view(outcome: Answer | NoAnswer, since: datetime = START) -> View:
    return View(sighting("r", outcome, since), since)
