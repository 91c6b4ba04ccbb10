"""Who is told what on account of a step, of time that passed, or of other rules."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from monitor.core.names import DomainName
from monitor.core.notices.concerns import Standing, standing_of
from monitor.core.notices.due import Look, Patience, due
from monitor.core.notices.facts import facts_of
from monitor.core.notices.policy import NoticePolicy, Route
from monitor.core.notices.remembering import told_after
from monitor.core.state import DomainState, State, Step
from monitor.core.told import Facts, Notice, Reason, Told, ToldKey, ToldState, is_graver
from monitor.core.tracking.changes import change_id

LookedAt: TypeAlias = Callable[[DomainName], bool]


def _each(_domain: DomainName) -> bool:
    return True


def with_notices(
    state: State,
    step: Step,
    policy: NoticePolicy,
    now: datetime,
    is_looked_at: LookedAt = _each,
) -> Step:
    """Return the step with what people are told on its account, to be kept together.

    Only the domains of the step are looked at, however many others there are. A step that says by
    itself what is told stays as it is. Of a domain that was not looked at since the start, only
    what the step itself brings is told: what it leaves as it was stored may be long past.
    """
    if not policy.routes or step.told:
        return step
    desk = _Desk(state, policy, now)
    for domain in step.domains:
        if _is_fresh(domain, is_looked_at) or desk.is_news(domain):
            desk.look_at(domain)
    for name in step.forgotten:
        desk.close(name)
    return desk.added_to(step)


def due_later(state: State, now: datetime) -> Sequence[DomainName]:
    """Return the domains to be looked at again since it is later.

    Of them reminders are told, and what maintenance or a hold-down kept back until now.
    """
    found = (told.domain for told in state.told.values() if told.look_at <= now)
    return tuple(dict.fromkeys(found))


def notices_about(
    state: State,
    names: Iterable[DomainName],
    policy: NoticePolicy,
    now: datetime,
    is_looked_at: LookedAt = _each,
) -> Step:
    """Return what channels are to hear of these domains by now, with what they heard before.

    What was stored of a domain may be long past as long as it was not looked at since.
    """
    desk = _Desk(state, policy, now)
    for name in _fresh(state, names, is_looked_at):
        domain = state.domains.get(name)
        if domain is not None:
            desk.look_at(domain)
        else:
            desk.close(name)
    return desk.added_to(Step())


def channels_forgotten(state: State, policy: NoticePolicy) -> Step:
    """Return the step by which nothing is known any more of channels that are gone."""
    channels = {route.channel for route in policy.routes}
    return Step(untold=frozenset(key for key in state.told if key[0] not in channels))


def told_moved(state: State, by: timedelta) -> tuple[Told, ...]:
    """Return what channels know with its instants moved along with the clock on the wall."""
    return tuple(
        replace(
            told,
            since=told.since + by,
            look_at=told.look_at + by,
            told_at=told.told_at + by if told.told_at else None,
            gone_since=told.gone_since + by if told.gone_since else None,
        )
        for told in state.told.values()
    )


def _fresh(
    state: State, names: Iterable[DomainName], is_looked_at: LookedAt
) -> Iterator[DomainName]:
    """Yield those of the names of which what is known is of now; nobody asks about unwatched."""
    for name in names:
        domain = state.domains.get(name)
        if domain is None or _is_fresh(domain, is_looked_at):
            yield name


def _is_fresh(domain: DomainState, is_looked_at: LookedAt) -> bool:
    return domain.watched is None or is_looked_at(domain.domain)


@dataclass(slots=True)
class _Desk:
    """Gathers what is told, and what is remembered of that."""

    state: State
    policy: NoticePolicy
    now: datetime
    told: list[Told] = field(default_factory=list)
    untold: set[ToldKey] = field(default_factory=set)
    notices: list[Notice] = field(default_factory=list)

    def is_news(self, domain: DomainState) -> bool:
        """Tell whether the domain stands otherwise than before the step."""
        before = self.state.domains.get(domain.domain)
        if before is None:
            return True
        was, now = (standing_of(it, self.policy, self.now) for it in (before, domain))
        return was != now

    def look_at(self, domain: DomainState) -> None:
        """Tell each channel what there is to tell of the domain."""
        standing = standing_of(domain, self.policy, self.now)
        for route, told in self._concerned(domain.domain, standing):
            self._look(route, _above(standing, route), told, domain)

    def close(self, name: DomainName) -> None:
        """Tell that the domain is no longer watched, where something was open."""
        domain = self.state.domains.get(name)
        muted_until = self.policy.muted_until(name, self.now)
        for route, told in self._concerned(name, Standing(None)):
            if told is None:
                continue
            is_open = told.state is ToldState.OPEN and not route.is_pushed
            if is_open and muted_until is not None:
                self.told.append(replace(told, look_at=muted_until))
                continue
            self.untold.add(told.key)
            if is_open:
                facts = Facts(is_watched=False)
                if domain is not None:
                    facts = self._facts(domain, told.concern.change, is_watched=False)
                self._write(told, Reason.OVER, facts)

    def added_to(self, step: Step) -> Step:
        return replace(
            step,
            told=(*step.told, *self.told),
            untold=step.untold | self.untold,
            notices=(*step.notices, *self.notices),
        )

    def _concerned(
        self, name: DomainName, standing: Standing
    ) -> Iterator[tuple[Route, Told | None]]:
        """Yield the channels that have to do with the domain, now or since before."""
        for route in self.policy.routes:
            told = self.state.told.get((route.channel, name))
            if told is not None or (standing.concern is not None and route.covers(name)):
                yield route, told

    def _look(
        self, route: Route, standing: Standing, told: Told | None, domain: DomainState
    ) -> None:
        patience = Patience(self.policy.remind, self.policy.hold_down)
        muted_until = self.policy.muted_until(domain.domain, self.now)
        look = Look(route.channel, domain.domain, standing, told, self.now, muted_until)
        reason = due(look, patience)
        after = told_after(look, reason, patience)
        if after is None and told is not None:
            self.untold.add(told.key)
        elif after is not None and after != told:
            self.told.append(after)
        if reason.is_told and after is not None and not route.is_pushed:
            facts = self._facts(domain, after.concern.change)
            self._write(after, reason, facts)

    def _facts(self, domain: DomainState, change: str | None, *, is_watched: bool = True) -> Facts:
        return facts_of(domain, self.policy.status, self.now, change, is_watched=is_watched)

    def _write(self, told: Told, reason: Reason, facts: Facts) -> None:
        channel, domain = told.key
        key = change_id(self.now, channel, domain.text, reason.value)
        self.notices.append(
            Notice(key, channel, domain, reason, told.concern, self.now, facts, told.flaps)
        )


def _above(standing: Standing, route: Route) -> Standing:
    """Return the standing as the channel takes it: what is too mild for it is nothing."""
    concern = standing.concern
    is_too_mild = concern is not None and is_graver(route.severity, concern.severity)
    return Standing(None) if is_too_mild else standing
