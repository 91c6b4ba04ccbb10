"""What a report tells, section by section, in the reader's language."""

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from monitor.core.report import Report, Shown, Spell
from monitor.core.tracking.changes import AuthorityState
from monitor.core.tracking.tracks import Track, TrackState
from monitor.entrypoints.curve_svg import curve_in_words
from monitor.entrypoints.report.sheet import Proof, Section, Sheet, Table
from monitor.wording import CHANGE_SHAPE, Wording
from monitor.wording.history import entry
from monitor.wording.spans import clock, percent, span

Readable: TypeAlias = Callable[[bytes], str]
"""Returns a DNS message as people read it; empty where it cannot be read."""

_AUTHORITY_SHAPE = {
    AuthorityState.NEW: "✔",
    AuthorityState.OLD: "✖",
    AuthorityState.SILENT: "?",
}
_NOT_VERIFIED = frozenset({TrackState.UNREACHABLE, TrackState.UNKNOWN, TrackState.AUTH_WAIT})
_NOTHING = "–"


def sheet_of(report: Report, words: Wording, readable: Readable) -> Sheet:
    """Return all that the report tells."""
    change = report.change
    return Sheet(
        title=words.report("title", domain=change.domain.display),
        state=f"{CHANGE_SHAPE[change.state]} {words.change_state(change.state)}",
        lead=_from_to(report, words),
        sections=tuple(write(report, words) for write in _WRITERS),
        proofs=tuple(_proof(answer, words, readable) for answer in report.answers),
        report=report,
        words=words,
    )


def _what(report: Report, words: Wording) -> Section:
    change = report.change
    domain, owner = change.domain, change.owner
    facts = {
        "domain": domain.display,
        "name_in_dns": domain.text if domain.text != domain.display else "",
        "owner": owner.display if owner != domain else "",
        "view": change.view or "",
        "kind": words.change_kind(change.kind),
        "old": words.value(change.old),
        "new": words.value(change.new),
        "source": words.change_source(change.source),
        "by": change.by,
        "note": change.note,
        "edited_at": _utc(change.edited_at),
        "lines": ", ".join(change.lines),
        "supersedes": change.supersedes or "",
        "id": change.id,
    }
    return Section("what", words.report("what"), facts=_named(facts, words))


def _when(report: Report, words: Wording) -> Section:
    change = report.change
    bound = _utc(change.bound_at)
    if bound and change.bound_is_assumed:
        bound = words.report("assumed", bound=bound)
    facts = {
        "planned_at": _utc(change.planned_at),
        "unseen_since": _utc(change.unseen_since),
        "detected_at": _utc(change.detected_at),
        "all_authorities_at": _utc(change.all_authorities_at),
        "old_ttl": f"{change.old_ttl} s" if change.old_ttl is not None else "",
        "bound_at": bound,
        "converged_at": _utc(change.converged_at),
        "settled_at": _utc(change.settled_at),
        "expired_at": _utc(change.expired_at),
        "deadline_at": _utc(change.deadline_at),
        "as_of": _utc(report.at),
    }
    return Section("when", words.report("when"), facts=_named(facts, words))


def _progress(report: Report, words: Wording) -> Section:
    lines = curve_in_words(report.curve, words) if report.curve.seen else ()
    return _section("progress", words, lines=lines)


def _authorities(report: Report, words: Wording) -> Section:
    rows = tuple(
        (
            one.server,
            f"{_AUTHORITY_SHAPE[one.state]} {words.report(f'authority_{one.state.value}')}",
            words.value(one.value),
            _NOTHING if one.ttl is None else f"{one.ttl} s",
            _NOTHING if one.serial is None else str(one.serial),
        )
        for one in report.change.authorities
    )
    headings = ("server", "state", "value", "ttl", "serial")
    return _section("authorities", words, headings, rows)


def _resolvers(report: Report, words: Wording) -> Section:
    groups = {resolver.name: resolver.group for resolver in report.resolvers}
    rows = tuple(
        (
            track.resolver,
            groups.get(track.resolver) or _NOTHING,
            _state_of(track, report, words),
            _clock(track.first_new_at),
            _clock(track.last_old_at),
            str(track.caches) if track.census.is_done else _NOTHING,
            _NOTHING if track.confidence is None else _sure(track.confidence),
        )
        for track in report.tracks
    )
    headings = ("resolver", "group", "state", "first_new", "last_old", "caches", "confidence")
    return _section("resolvers", words, headings, rows)


def _state_of(track: Track, report: Report, words: Wording) -> str:
    told = words.track_state(track.state)
    if track.state.has_converged:
        return told
    reason = "" if track.reason is None else words.track_reason(track.reason)
    eta = report.change.eta_of(track)
    until = words.report("until", at=_utc(eta)) if eta and eta > report.at else ""
    return " – ".join(part.rstrip(".。") for part in (told, reason, until) if part)


def _spells(report: Report, words: Wording) -> Section:
    rows = tuple(_spell_row(spell, report, words) for spell in report.spells)
    return _section("spells", words, ("resolver", "state", "from", "to", "took", "why"), rows)


def _spell_row(spell: Spell, report: Report, words: Wording) -> tuple[str, ...]:
    reason = spell.reason
    said = () if reason is None else (words.track_reason(reason), words.track_advice(reason))
    why = words.word("space").join(said)
    return (
        spell.resolver,
        words.track_state(spell.state),
        clock(spell.since),
        clock(spell.until) if spell.until else words.report("lasts"),
        span(spell.length(report.at), words),
        why or _NOTHING,
    )


def _coverage(report: Report, words: Wording) -> Section:
    tracks, say = report.tracks, words.report
    missing = [track for track in tracks if track.state in _NOT_VERIFIED]
    gaps = {"answering": str(len(tracks) - len(missing)), "asked": str(len(tracks))}
    share = percent(report.change.coverage(report.weights))
    lines = [say("coverage_share", share=share, **gaps)] if tracks else []
    lines += [
        say("not_verified", resolver=track.resolver, state=_state_of(track, report, words))
        for track in missing
    ]
    lines += [] if report.change.is_observable else [say("not_observable")]
    return _section("coverage", words, lines=(*lines, say("limits")))


def _notices(report: Report, words: Wording) -> Section:
    told = (entry(record, words) for record in report.notices)
    rows = tuple((clock(one.at), one.event, one.change) for one in told)
    return _section("notices", words, ("at", "event", "what_was_told"), rows)


def _story(report: Report, words: Wording) -> Section:
    rows = []
    for record in report.records:
        told = entry(record, words)
        numbers = report.numbers.get(record.seq, ())
        names = " ".join(f"A{number}" for number in numbers)
        rows.append((f"#{record.seq}", clock(told.at), told.event, told.change, names))
    return _section("story", words, ("seq", "at", "event", "what_changed", "shown_by"), rows)


def _answers(report: Report, words: Wording) -> Section:
    lines = (words.report("answers_lead"),) if report.answers else ()
    return _section("answers", words, lines=lines)


def _seal(report: Report, words: Wording) -> Section:
    head = report.head
    if head is None:
        return _section("seal", words)
    gaps = {"seq": str(head.seq), "hash": head.hash}
    lines = (words.report("seal_covers", **gaps), words.report("seal_verify", **gaps))
    return Section("seal", words.report("seal"), lines=lines)


def _proof(answer: Shown, words: Wording, readable: Readable) -> Proof:
    wire, say = answer.text("wire"), words.report
    text = readable(_octets(wire)) if wire else ""
    rtt = answer.text("rtt_ms")
    facts = {
        "verdict": answer.text("verdict"),
        "rule": " ".join(part for part in (answer.text("rule"), answer.text("seen")) if part),
        "rtt": f"{rtt} ms" if rtt else "",
        "nsid": answer.text("nsid"),
        "ede": ", ".join(answer.ede),
        "seqs": ", ".join(f"#{seq}" for seq in answer.seqs),
    }
    at = answer.text("at")[:19].replace("T", " ")
    title = " · ".join((answer.text("resolver"), answer.text("transport"), f"{at} UTC"))
    text = text or say("unreadable" if wire else "no_message")
    return Proof(f"A{answer.number}", title, _named(facts, words), text, wire)


def _octets(wire: str) -> bytes:
    try:
        return b64decode(wire, validate=True)
    except ValueError:
        return b""


def _section(
    key: str,
    words: Wording,
    headings: Iterable[str] = (),
    rows: Iterable[tuple[str, ...]] = (),
    lines: tuple[str, ...] = (),
) -> Section:
    """Return a section; where it has nothing to tell, it says so."""
    say, told = words.report, tuple(rows)
    if told:
        return Section(key, say(key), (), lines, Table(tuple(map(say, headings)), told))
    return Section(key, say(key), lines=lines or (say(f"no_{key}"),))


def _named(facts: Mapping[str, str], words: Wording) -> tuple[tuple[str, str], ...]:
    return tuple((words.report(key), text) for key, text in facts.items() if text)


def _from_to(report: Report, words: Wording) -> str:
    change = report.change
    return f"{words.value(change.old)} → {words.value(change.new)}"


def _utc(at: datetime | None) -> str:
    return "" if at is None else f"{clock(at)} UTC"


def _clock(at: datetime | None) -> str:
    return _NOTHING if at is None else clock(at)


def _sure(confidence: float) -> str:
    return "> 99.99 %" if confidence > 0.9999 else f"{confidence * 100:.2f} %"


_WRITERS: tuple[Callable[[Report, Wording], Section], ...] = (
    *(_what, _when, _progress, _authorities, _resolvers, _spells),
    *(_coverage, _notices, _story, _answers, _seal),
)
