"""The small world of the scenario files: authorities, caches, a clock, and the daemon's habits."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core.events import Event
from monitor.core.servers import Resolver
from monitor.core.tracking.changes import Change
from monitor.core.tracking.policy import Panelists
from monitor.core.tracking.record import (
    Agenda,
    Announced,
    AuthoritiesAnswered,
    ClockStepped,
    Delegated,
    Happening,
    RecordKey,
    ResolverAnswered,
    Restarted,
    TimePassed,
    TrackedRecord,
    Unwatched,
)
from monitor.core.tracking.steps import step
from monitor.core.tracking.values import Sample
from tests.core.samples import START
from tests.core.tracking.reading import Do, Scenario, seconds
from tests.core.tracking.scenes import DOMAIN, HOP, VALUES

_MINUTE, _HOUR = 60.0, 3600.0
_LIVELY = 20 * _MINUTE  # how long after a step the authorities are polled every minute
_NEVER = math.inf


@dataclass(frozen=True, slots=True)
class Said:
    """What a server says: the words of a scenario, read."""

    value: str | None
    ttl: int = 0
    ede: tuple[int, ...] = ()
    nsid: str | None = None
    scope: int | None = None
    is_failure: bool = False
    habit: str = ""

    @classmethod
    def read(cls, written: str) -> "Said":
        first, *rest = written.split()
        if first in {"silent", "timeout", "servfail", "cold"}:
            found, value = first == "servfail", None
        else:
            found, value = False, first
        said = cls(value, is_failure=found, habit="cold" if first == "cold" else "")
        if rest and rest[0].isdigit():
            said, rest = replace(said, ttl=int(rest[0])), rest[1:]
        if rest and rest[0] in {"renewed", "constant"}:
            said, rest = replace(said, habit=rest[0]), rest[1:]
        return said._with(rest)

    def _with(self, rest: list[str]) -> "Said":
        said = self
        for key, value in zip(rest[::2], rest[1::2], strict=True):
            match key:
                case "ede":
                    said = replace(said, ede=(*said.ede, int(value)))
                case "nsid":
                    said = replace(said, nsid=value)
                case "scope":
                    said = replace(said, scope=int(value))
                case _:
                    raise ValueError(f"{key} is nothing that a server says")
        return said

    def sample(self, at: datetime, ttl: int) -> Sample:
        value = VALUES[self.value] if self.value else None
        return Sample(at, value, ttl, self.ede, self.nsid, self.scope, self.is_failure)


class Cache:
    """One cache, with the habit that the scenario gives it; honest unless told otherwise."""

    def __init__(self, said: Said, t: float) -> None:
        self.said = said
        self.expires_at = -_NEVER if said.habit == "cold" else t + said.ttl

    def answer(self, t: float, at: datetime, authorities: Iterable[Said]) -> Sample:
        said = self.said
        if said.habit == "constant" or (said.value is None and said.habit != "cold"):
            return said.sample(at, said.ttl)
        if t >= self.expires_at:
            if said.habit != "renewed":
                served = next((s for s in authorities if s.value), None)
                if served is None:
                    return Sample(at, None, is_failure=True)
                self.said = said = replace(said, value=served.value, ttl=served.ttl, habit="")
            self.expires_at = t + said.ttl
        return said.sample(at, int(self.expires_at - t))


class World:
    """Lives through a scenario as the daemon does, and remembers what was told."""

    def __init__(self, scenario: Scenario) -> None:
        owner = HOP if scenario.hop else DOMAIN
        self.t = -seconds(scenario.known_for)
        self.record = TrackedRecord(DOMAIN, RecordKey(owner))
        self.agenda = Agenda()
        self.events: list[Event] = []
        self.changes: dict[str, Change] = {}
        self.moves: dict[tuple[str, str], list[str]] = {}
        self._offset = timedelta()
        self._panelists = Panelists(scenario.tracking_policy)
        self._authorities = dict.fromkeys(scenario.authorities, Said.read(scenario.before))
        self._caches: dict[str, list[Cache]] = {}
        self._asked: dict[str, int] = {}
        self._poll_at = self.t
        self._stepped_at = self.t
        self._to_do = sorted(scenario.do, key=lambda do: seconds(do.at))
        for name in scenario.resolvers:
            self._list(name)

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.t) + self._offset

    def elapsed(self, at: datetime | None) -> float | None:
        """Return an instant as the stop watch shows it."""
        return None if at is None else (at - self._offset - START).total_seconds()

    def live_until(self, end: float) -> None:
        """Do everything that is due until then, and at that instant too."""
        while (t := self._next_at()) <= end:
            self.t = max(self.t, t)
            self._act()
        self.t = max(self.t, end)

    def _next_at(self) -> float:
        due = self.elapsed(self.agenda.next_at)
        script = seconds(self._to_do[0].at) if self._to_do else _NEVER
        return min(self._poll_at, script, _NEVER if due is None else due)

    def _act(self) -> None:
        while self._to_do and seconds(self._to_do[0].at) <= self.t:
            self._do(self._to_do.pop(0))
        fast = self.elapsed(self.agenda.authorities_at)
        if self.t >= self._poll_at or (fast is not None and fast <= self.t):
            self._poll()
        asked = [name for name, at in self.agenda.resolvers.items() if at <= self.now]
        for name in sorted(asked):
            self._take(ResolverAnswered(name, self._answer_of(name)))
        self._take(TimePassed())

    def _poll(self) -> None:
        change = self.record.change
        is_agreed = change is not None and change.all_authorities_at is not None
        is_calm = is_agreed and self.t > self._stepped_at + _LIVELY
        self._poll_at = (self.t // _MINUTE + 1) * _MINUTE + (_HOUR if is_calm else 0)
        said = self._authorities.items()
        self._take(AuthoritiesAnswered({n: s.sample(self.now, s.ttl) for n, s in said}))

    def _answer_of(self, name: str) -> Sample:
        caches, turn = self._caches[name], self._asked.get(name, 0)
        self._asked[name] = turn + 1
        return caches[turn % len(caches)].answer(self.t, self.now, self._authorities.values())

    def _do(self, do: Do) -> None:
        self._stepped_at = self.t
        self._poll_at = min(self._poll_at, math.ceil(self.t / _MINUTE) * _MINUTE)
        for name, said in do.authorities.items():
            for server in self._authorities if name == "all" else (name,):
                self._authorities[server] = Said.read(said)
        for name, caches in do.resolvers.items():
            every = (caches,) if isinstance(caches, str) else caches
            self._asked[name] = 0
            self._caches[name] = [Cache(Said.read(one), self.t) for one in every]
        self._configure(do)
        if do.announce is not None:
            planned_at = self.now + timedelta(seconds=seconds(do.planned or "0s"))
            self._take(Announced(VALUES[do.announce], planned_at, by="ops", note="move"))
        self._disturb(do)

    def _configure(self, do: Do) -> None:
        for name in do.add:
            self._list(name)
        kept = {n: r for n, r in self._panelists.resolvers.items() if n not in do.remove}
        self._panelists = replace(self._panelists, resolvers=kept)
        if do.servers or do.is_consistent is not None:
            servers = do.servers or tuple(self._authorities)
            silent = Said(None)
            self._authorities = {n: self._authorities.get(n, silent) for n in servers}
            kept_for = timedelta(seconds=seconds(do.kept_for))
            self._take(Delegated(frozenset(servers), do.is_consistent, kept_for))

    def _disturb(self, do: Do) -> None:
        if do.clock is not None:
            by = timedelta(seconds=seconds(do.clock))
            self._offset += by
            self._take(ClockStepped(by))
        if do.down_for is not None:
            self.t += seconds(do.down_for)
            self._poll_at = self.t
            self._take(Restarted())
        if do.restart:
            self._take(Restarted())
        if do.unwatch:
            self._take(Unwatched())

    def _list(self, name: str) -> None:
        resolvers = {**self._panelists.resolvers, name: Resolver(name, "192.0.2.1")}
        self._panelists = replace(self._panelists, resolvers=resolvers)
        self._caches.setdefault(name, [Cache(Said.read("cold"), self.t)])

    def _take(self, happening: Happening) -> None:
        stepped = step(self.record, happening, self._panelists, self.now)
        self.record, self.agenda = stepped.record, stepped.agenda
        self.events += stepped.events
        self.changes |= {change.id: change for change in stepped.changes}
        change = self.record.change
        for name, track in (change.tracks if change else {}).items():
            assert change is not None
            moves = self.moves.setdefault((change.id, name), [])
            if not moves or moves[-1] != track.state.value:
                moves.append(track.state.value)
