"""What each server last said of a domain, since when, and what it said before."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, TypeAlias

from monitor.core.answers import Answer, Reply
from monitor.core.chain import rebuild
from monitor.core.gist import Gist
from monitor.core.verdict import Verdict, VerdictKind


@dataclass(frozen=True, slots=True)
class Sighting:
    """One server's reply in one round, and the verdict on it.

    Answers of the same `gist` get the same verdict; None where the answer alone does not decide.
    """

    server: str
    reply: Reply
    verdict: Verdict
    gist: Gist | None = None

    def until(self, now: datetime) -> "Sighting":
        """Return the sighting as it can have been made by now.

        A reply that is yet to come is of a clock that was put back before it was recorded.
        """
        if self.reply.at <= now:
            return self
        return replace(self, reply=replace(self.reply, at=now))


@dataclass(frozen=True, slots=True)
class Said:
    """What one server said of a domain from a moment on, until it said something else."""

    kind: VerdictKind
    is_in_effect: bool | None
    since: datetime


class Spell(NamedTuple):
    """What one server means, and since when: all that its next answer is compared with.

    The fields are those of a view, the first two those of its verdict.
    """

    kind: VerdictKind
    is_in_effect: bool | None
    since: datetime
    meaning: str = ""
    meant_since: datetime | None = None
    past: tuple[Said, ...] = ()

    @property
    def said_since(self) -> datetime:
        return self.meant_since or self.since


@dataclass(frozen=True, slots=True)
class View:
    """What one server last said of a domain, and since when it has said that.

    `meaning` is that of its last usable answer, which a lost round does not change, and
    `meant_since` when that began; both are empty before the first usable one. `past` is what it
    said before, the newest last, as far as it is remembered.
    """

    sighting: Sighting
    since: datetime
    meaning: str = ""
    meant_since: datetime | None = None
    past: tuple[Said, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return self.sighting.verdict

    @property
    def reply(self) -> Reply:
        return self.sighting.reply

    @property
    def spell(self) -> Spell:
        kind, is_in_effect = self.sighting.verdict.kind, self.sighting.verdict.is_in_effect
        return Spell(kind, is_in_effect, self.since, self.meaning, self.meant_since, self.past)

    def newest(self, reply: Reply | None, now: datetime) -> "View":
        """Return the view with the reply that confirmed it, unless that one is the older.

        A view that is yet to come is of a clock that was put back since.
        """
        is_older = reply is None or reply.at < self.reply.at <= now
        return self if reply is None or is_older else self.shown_by(reply)

    def shown_by(self, reply: Reply) -> "View":
        """Return the view with a later reply that means the same."""
        sighting, verdict = self.sighting, self.verdict
        if isinstance(reply.outcome, Answer):
            verdict = replace(verdict, chain=rebuild(verdict.chain.domain, reply.outcome))
        return replace(self, sighting=replace(sighting, reply=reply, verdict=verdict))


class Standing(NamedTuple):
    """Where one server stands: what its newest answer means, and the gist of it."""

    kind: VerdictKind
    is_in_effect: bool | None
    gist: Gist | None


class Place(NamedTuple):
    """Where servers stand, with the number that the gist has among those of the domain.

    Many domains have the same few.
    """

    kind: VerdictKind
    is_in_effect: bool | None
    gist: int | None


# Servers, and in their order what the newest answer of each means: all tell kind and effect.
Stances: TypeAlias = tuple[tuple[str, ...], Sequence[Verdict | Place]]


class Counted:
    """Marks views whose standings are at hand without a look at each."""

    __slots__ = ()

    @abstractmethod
    def stances(self) -> tuple[tuple[str, ...], tuple[Place, ...]]:
        """Return the servers, and in their order where they stand."""

    @abstractmethod
    def standings(self) -> Iterable[tuple[str, Standing]]: ...

    @abstractmethod
    def standing(self, server: str) -> Standing | None: ...

    @abstractmethod
    def spells(self) -> Mapping[str, Spell]:
        """Return since when each server means what it does, at less than a look at its view."""

    @abstractmethod
    def places(self) -> tuple[Place, ...]:
        """Return where anybody stands, mostly one place."""

    @abstractmethod
    def servers_with(self, gist: Gist) -> tuple[str, ...]: ...


def standings_of(views: Mapping[str, View]) -> Iterable[tuple[str, Standing]]:
    """Return where each server stands."""
    if isinstance(views, Counted):
        return views.standings()
    return [(server, _standing(view)) for server, view in views.items()]


def stances_of(views: Mapping[str, View]) -> Stances:
    """Return what `standings_of` does but for the gists; for those who look at a whole fleet."""
    if isinstance(views, Counted):
        return views.stances()
    return tuple(views), [view.sighting.verdict for view in views.values()]


def standing_of(views: Mapping[str, View], server: str) -> Standing | None:
    if isinstance(views, Counted):
        return views.standing(server)
    view = views.get(server)
    return None if view is None else _standing(view)


def spells_of(views: Mapping[str, View]) -> Mapping[str, Spell]:
    """Return what each server means, and since when."""
    if isinstance(views, Counted):
        return views.spells()
    return {server: view.spell for server, view in views.items()}


def places_of(views: Mapping[str, View]) -> Sequence[Standing | Place]:
    """Return where anybody stands; a place may come more than once."""
    if isinstance(views, Counted):
        return views.places()
    return [_standing(view) for view in views.values()]


def servers_with(views: Mapping[str, View], gist: Gist) -> Sequence[str]:
    """Return the servers whose newest answer has that gist."""
    if isinstance(views, Counted):
        return views.servers_with(gist)
    return [server for server, view in views.items() if view.sighting.gist == gist]


def _standing(view: View) -> Standing:
    verdict = view.verdict
    return Standing(verdict.kind, verdict.is_in_effect, view.sighting.gist)


def views_after(
    views: Mapping[str, View], sightings: Iterable[Sighting], servers: frozenset[str]
) -> Mapping[str, View]:
    """Return the views of the servers that are still asked, brought up to date."""
    new = tuple(sightings)
    if not new and servers.issuperset(views):
        return views
    spells = spells_of(views)
    seen = {s.server: _view_after(spells.get(s.server), s) for s in new}
    # Where every server was seen, nobody needs to know what it said before.
    unseen = servers.intersection(views) - seen.keys()
    after = (dict(views.items()) if unseen else {}) | seen
    order = dict.fromkeys((*views, *seen))
    return {name: after[name] for name in order if name in servers and name in after}


def _view_after(known: Spell | None, sighting: Sighting) -> View:
    at, verdict = sighting.reply.at, sighting.verdict
    # Where there is no CNAME the addresses were seen, and those rotate without any change.
    said = f"{verdict.kind.value} {verdict.seen if verdict.chain.links else ''}".rstrip()
    if known is None:
        return View(sighting, at) if verdict.is_in_effect is None else View(sighting, at, said, at)
    if known.kind is verdict.kind:
        since, past = known.since, known.past
    else:
        since, past = at, _past_after(known)
    if verdict.is_in_effect is None:
        return View(sighting, since, known.meaning, known.meant_since, past)
    if said == known.meaning:
        return View(sighting, since, said, known.meant_since, past)
    return View(sighting, at, said, at, past)


_LONGEST_PAST = 32  # of one server's views of one domain: flapping must not fill the disk


def _past_after(known: Spell) -> tuple[Said, ...]:
    """Return the past when something else than `known` is said."""
    last = Said(known.kind, known.is_in_effect, known.since)
    return (*known.past, last)[-_LONGEST_PAST:]
