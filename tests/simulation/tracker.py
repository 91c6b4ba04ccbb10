"""The monitor's own core at work in the simulated world, unchanged."""

import random
from datetime import UTC, datetime, timedelta

from monitor.core.events import Event
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.tracking.policy import Panelists, TrackingPolicy
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.record import (
    Agenda,
    AuthoritiesAnswered,
    Happening,
    RecordKey,
    ResolverAnswered,
    TimePassed,
    TrackedRecord,
)
from monitor.core.tracking.steps import step
from monitor.core.tracking.tracks import Track, TrackState
from monitor.core.tracking.values import Sample, alias
from tests.simulation.monitors import Vantage

_START = datetime(2026, 1, 1, tzinfo=UTC)
_DOMAIN = DomainName("www.shop.example")
_OLD, _NEW = alias(DomainName("old.example")), alias(DomainName("new.example"))
_NAME = "resolver"
_POLL = 60.0
_BEFORE = -180.0
# A poll that brings nothing new changes nothing of a change (a property test says so), so that
# the usual minute is kept only while it can matter.
_CALM_POLL = 3600.0


class Tracker:
    """Polls the authorities as the daemon does, and asks the resolver when the core says so."""

    def __init__(
        self,
        lots: random.Random,
        policy: TrackingPolicy | None = None,
        *,
        until_bound: bool = False,
    ) -> None:
        self.converged_at: float | None = None
        self.settled_at: float | None = None
        self.regressions = 0
        self.eta_at_census: float | None = None
        self.bound: float | None = None
        self.overstays: list[Reason] = []  # why it overstayed, in the order of understanding it
        self.events: list[Event] = []
        self.record = TrackedRecord(_DOMAIN, RecordKey(_DOMAIN))
        self._panelists = Panelists(
            policy or TrackingPolicy(), {_NAME: Resolver(_NAME, "192.0.2.1")}
        )
        self._until_bound = until_bound
        self._agenda = Agenda()
        self._poll_at = _BEFORE + lots.uniform(0, _POLL)

    @property
    def track(self) -> Track | None:
        change = self.record.change
        return change.tracks.get(_NAME) if change else None

    def progress(self, t: float) -> float | None:
        """Return the share of answers that are new by then, as far as it knows."""
        track = self.track
        return track.progress(_instant(t)) if track else None

    def next_at(self) -> float | None:
        due = self._agenda.next_at
        return min(self._poll_at, _seconds(due)) if due is not None else self._poll_at

    def act(self, t: float, vantage: Vantage) -> None:
        now = _instant(t)
        asked = self._agenda.resolvers.get(_NAME)
        if self._is_poll_due(t):
            self._poll(t, vantage)
        elif asked is not None and asked <= now:
            self._ask(t, vantage)
        else:
            self._step(TimePassed(), now)

    def _is_poll_due(self, t: float) -> bool:
        fast = self._agenda.authorities_at
        return t >= self._poll_at or (fast is not None and _seconds(fast) <= t)

    def _poll(self, t: float, vantage: Vantage) -> None:
        samples, serials = {}, {}
        for name, said in vantage.ask_authorities(t).items():
            samples[name] = Sample(_instant(t), _NEW if said.is_new else _OLD, said.ttl)
            serials[name] = said.serial
        change = self.record.change
        agreed_at = change.all_authorities_at if change else None
        is_calm = agreed_at is not None and t > _seconds(agreed_at) + 600
        self._poll_at = t + (_CALM_POLL if is_calm else _POLL)
        self._step(AuthoritiesAnswered(samples, serials), _instant(t))

    def _ask(self, t: float, vantage: Vantage) -> None:
        shown = vantage.ask_resolver(t)
        sample = Sample(_instant(t), None)
        if shown is not None:
            value = _NEW if shown.is_new else _OLD
            sample = Sample(_instant(t), value, shown.ttl, shown.extended_errors, shown.nsid)
        self._step(ResolverAnswered(_NAME, sample), _instant(t))

    def _step(self, happening: Happening, now: datetime) -> None:
        before = self.track
        stepped = step(self.record, happening, self._panelists, now)
        self.record, self._agenda = stepped.record, stepped.agenda
        self.events += stepped.events
        self._note(before, now)

    def _note(self, before: Track | None, now: datetime) -> None:
        change, track = self.record.change, self.track
        if change is None or track is None:
            return
        if change.bound_at is not None:
            self.bound = _seconds(change.bound_at)
        if track.state is TrackState.OVERSTAY and track.reason not in {None, *self.overstays[-1:]}:
            self.overstays += [track.reason] if track.reason else []
        is_counted = track.census.is_done and not (before and before.census.is_done)
        if is_counted and self.eta_at_census is None:
            eta = track.eta(change.all_authorities_at or now)
            self.eta_at_census = _seconds(eta) if eta is not None else None
        if before is not None and before.state is not track.state:
            self._judge(track.state, _seconds(now))

    def _judge(self, state: TrackState, t: float) -> None:
        match state:
            case TrackState.CONVERGED if not self._until_bound and self.converged_at is None:
                self.converged_at = t
            case TrackState.SETTLED:
                self.settled_at = t
                if self.converged_at is None:
                    self.converged_at = t
            case TrackState.REGRESSED:
                self.regressions += 1
            case _:
                pass


def _instant(t: float) -> datetime:
    return _START + timedelta(seconds=t)


def _seconds(at: datetime) -> float:
    return (at - _START).total_seconds()
