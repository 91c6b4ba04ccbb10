"""A report on a change that hostile people had their hands on: every text that they can choose."""

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from functools import cache

import dns.edns
import dns.message
import dns.rrset

from monitor.adapters.resolvers.readable import readable
from monitor.core.events import Event, EventType, Json
from monitor.core.names import DomainName
from monitor.core.report import Report
from monitor.core.servers import Resolver
from monitor.core.tracking.values import alias
from monitor.entrypoints.report.sections import sheet_of
from monitor.entrypoints.report.sheet import Sheet
from monitor.wording import Language, wording
from tests.core.sealed import sealed
from tests.core.tracking.reading import Do, Expect, Scenario, seconds
from tests.core.tracking.world import World

# What each form would have to fear: markup, scripts, formulas, fences, entities, line ends.
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=http://evil.example/x onerror=alert(2)>',
    "=HYPERLINK(A1)",
    "| cell | ``` ~~~ # h *b* _i_ [l](http://evil.example) &lt; @all",
    "line\none\r\n=two",
    "</style></textarea></title>",
)
TEXT = " ".join(HOSTILE)
# A name may hold any octet on the wire (RFC 2181 §11).
NAME = DomainName("<b>=x|y`.evil.example")
RESOLVERS = (
    Resolver("alidns", "192.0.2.1", group="=cn|<i>"),
    Resolver("<b>dead", "192.0.2.2"),
    Resolver("=stuck", "192.0.2.3"),
)


def wire(target: str = "<script>evil</script>.example.") -> str:
    """Return an answer with a hostile name, text and error, in base64."""
    message = dns.message.make_response(dns.message.make_query("img.shop.example.", "A", id=1))
    message.answer = [
        dns.rrset.from_text("img.shop.example.", 60, "IN", "CNAME", target),
        dns.rrset.from_text("img.shop.example.", 60, "IN", "TXT", '"=<script>`|\\009"'),
    ]
    error = dns.edns.EDEOption(dns.edns.EDECode.OTHER, "<script>\x1b[31m```\n=1")
    message.use_edns(0, options=[error])
    return b64encode(message.to_wire()).decode()


@cache
def hostile_report() -> Report:
    resolvers: dict[str, str | tuple[str, ...]] = {
        "alidns": ("old 200", "old 400"),
        "<b>dead": "timeout",
        "=stuck": "old 30 renewed",
    }
    modified = Do(at="0s", authorities={"all": "new 600"}, resolvers=resolvers)
    names = tuple(resolver.name for resolver in RESOLVERS)
    world = World(Scenario(name="x", resolvers=names, do=(modified,), expect=(Expect(at="1h"),)))
    world.live_until(seconds("1h"))
    change = world.record.change
    assert change is not None
    hostile = replace(
        change, by=TEXT, note=TEXT, lines=(TEXT,), edited_at=change.detected_at, old=alias(NAME)
    )
    evidence: dict[str, Json] = {
        "resolver": "<b>dead",
        "at": world.now.isoformat(),
        "transport": "udp",
        "verdict": "not_oss",
        "rule": "chain-leaves-oss",
        "seen": TEXT,
        "nsid": TEXT,
        "ede": (0, 3),
        "rtt_ms": 1.5,
        "wire": wire(),
    }
    first, *rest = world.events
    told: dict[str, Json] = {"channel": TEXT, "kind": "overstay", "reason": "first", "why": TEXT}
    events = (
        replace(first, data={**first.data, "old": TEXT, "new": TEXT}, evidence=(evidence,)),
        *rest,
        Event(EventType.NOTICE_FAILED, world.now, change.domain, change=change.id, data=told),
        Event(
            EventType.RELOAD, world.now, evidence=({"wire": "AAAA"}, {"wire": ""}, {"wire": "%"})
        ),
    )
    return Report(hostile, sealed(events), RESOLVERS, world.now + timedelta(seconds=5))


def hostile_sheet(language: Language = Language.ENGLISH) -> Sheet:
    return sheet_of(hostile_report(), wording(language), readable)
