"""What servers last said of a domain, packed: first since when they mean it, then all of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from importlib import resources
from io import BytesIO
from typing import NamedTuple

from pydantic import TypeAdapter

from monitor.adapters.stores.details import AS_JSON, NOTHING, first_unzipped, zipped
from monitor.core.answers import Answer, NoAnswer, Reply
from monitor.core.chain import Chain, rebuild
from monitor.core.gist import Gist
from monitor.core.names import DomainName
from monitor.core.servers import Transport
from monitor.core.verdict import Rule, Verdict
from monitor.core.views import Sighting, Spell, View

# Short, since a packer reads all of it each time. A part of the format: never to be changed.
_USUAL = (resources.files("monitor.adapters.stores") / "views_sample.json").read_bytes()


class _Heard(NamedTuple):
    """A view less its spell and its wire; the chain follows from the answer.

    There is either an answer or a silence: of a union the library would write the answer twice.
    """

    domain: str
    at: datetime
    rtt: timedelta
    transport: Transport
    wire_size: int
    rule: Rule
    seen: str
    gist: Gist | None
    answer: Answer | None
    silence: NoAnswer | None


_SPELLS = TypeAdapter(dict[str, Spell])
_HEARD: TypeAdapter[tuple[_Heard, ...]] = TypeAdapter(tuple[_Heard, ...], config=AS_JSON)
_END = b"\0"  # of the JSON, in which it cannot be


def packed_views(views: Iterable[View]) -> bytes:
    known = tuple(views)
    if not known:
        return NOTHING
    spells = {view.sighting.server: view.spell for view in known}
    # Left out are the defaults of an answer, which are thereby a part of the format.
    heard = _HEARD.dump_json(tuple([_heard(view) for view in known]), exclude_defaults=True)
    wires = b"".join([view.sighting.reply.wire for view in known])
    return joined(_SPELLS.dump_json(spells), heard, wires)


def joined(spells: bytes, heard: bytes, wires: bytes) -> bytes:
    """Return the texts packed, so that the spells can be read alone."""
    return zipped(spells, _USUAL) + zipped(heard + _END + wires, _USUAL)


def spells_in(packed: bytes) -> Mapping[str, Spell]:
    """Return the spells of the packed views by their servers. Raises ValueError."""
    if not packed:
        return {}
    text, _ = first_unzipped(packed, _USUAL)
    return _SPELLS.validate_json(text)


def views_of(packed: bytes) -> Mapping[str, View]:
    """Return the views by their servers. Raises ValueError."""
    if not packed:
        return {}
    spells, rest = first_unzipped(packed, _USUAL)
    text, _ = first_unzipped(rest, _USUAL)
    heard, _, wires = text.partition(_END)
    wire = BytesIO(wires)
    pairs = zip(_SPELLS.validate_json(spells).items(), _HEARD.validate_json(heard), strict=True)
    return {
        server: _view(server, spell, one, wire.read(one.wire_size))
        for (server, spell), one in pairs
    }


def _heard(view: View) -> _Heard:
    sighting = view.sighting
    reply, verdict = sighting.reply, sighting.verdict
    outcome = reply.outcome
    return _Heard(
        verdict.chain.domain.text,
        reply.at,
        reply.rtt,
        reply.transport,
        len(reply.wire),
        verdict.rule,
        verdict.seen,
        sighting.gist,
        outcome if isinstance(outcome, Answer) else None,
        outcome if isinstance(outcome, NoAnswer) else None,
    )


def _view(server: str, spell: Spell, heard: _Heard, wire: bytes) -> View:
    outcome, domain = heard.answer or heard.silence, DomainName(heard.domain)
    if outcome is None:
        raise ValueError(f"{server} neither answered nor was silent")
    chain = rebuild(domain, outcome) if isinstance(outcome, Answer) else Chain(domain)
    verdict = Verdict(spell.kind, heard.rule, chain, spell.is_in_effect, heard.seen)
    reply = Reply(outcome, heard.at, heard.rtt, heard.transport, wire)
    sighting = Sighting(server, reply, verdict, heard.gist)
    return View(sighting, spell.since, spell.meaning, spell.meant_since, spell.past)
