"""The shape in which scripts get who sees the proof of a domain's owner."""

from collections.abc import Mapping

from monitor.core.answers import Answer
from monitor.core.events import Json
from monitor.core.ownership import Sight, Sights
from monitor.entrypoints.instants import instant


def ownership_document(sights: Sights) -> Mapping[str, Json]:
    """Return the record to add, and each server's answer, as `ownership --json` gives it."""
    token, until = sights.token, sights.kept_until
    return {
        "domain": token.domain.text,
        "display": token.domain.display,
        "bucket": token.bucket,
        "account": token.account,
        "record": {
            "name": token.owner.text,
            "host": token.host_in(sights.zone) if sights.zone else None,
            "zone": sights.zone.text if sights.zone else None,
            "type": "TXT",
            "value": token.value,
        },
        "expires_at": instant(token.expires_at) if token.expires_at else None,
        "visible": sights.is_visible,
        "kept_until": instant(until) if until else None,
        "authorities": tuple({"server": s.server} | _sight(s) for s in sights.authorities),
        "answers": tuple({"resolver": s.server} | _sight(s) for s in sights.resolvers),
    }


def _sight(sight: Sight) -> dict[str, Json]:
    reply = sight.reply
    answer = reply.outcome if isinstance(reply.outcome, Answer) else None
    return {
        "proof": sight.proof.value,
        "values": sight.values,
        "kept_until": instant(sight.kept_until) if sight.kept_until else None,
        "rcode": answer.rcode.name if answer else None,
        "transport": reply.transport.value,
        "rtt_ms": round(reply.rtt.total_seconds() * 1000, 3),
        "at": instant(reply.at),
    }
