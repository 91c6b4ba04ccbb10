"""How one answer moves a resolver's track, and when to ask next.

A cache that keeps to the TTL cannot go back: its old copy ends at an instant that its answer
showed, so we sleep until then, and new answers stay valid evidence. What remains is the chance
that some cache behind the address was never met; `certainty` weighs it, and it falls to a residue
at the bound, when every such cache has forgotten.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.core.tracking.certainty import is_final, is_sure, next_confirmation
from monitor.core.tracking.entries import (
    Entry,
    expiry_to_wait_for,
    old_alive,
    replaced,
    with_constant,
    with_sample,
)
from monitor.core.tracking.occupancy import is_skewed, most_caches
from monitor.core.tracking.policy import TrackingPolicy
from monitor.core.tracking.signs import Answer
from monitor.core.tracking.tracks import Census, Doubt, Facts, Track, TrackState, Trouble
from monitor.core.tracking.values import Sample

_RECENT = 12
_TAPS = 2  # quick questions after a short-lived old answer
_TAPPED_VISITS = 4
_DOUBTERS = 3  # an old answer and two more decide whether a resolver has regressed
_FLAPS = 3
_TRIES = 3  # failures before the pace slackens
_RENEWALS = 4


def awaiting(resolver: str, at: datetime) -> Track:
    """Return the track of a resolver that is not asked while an authority serves the old value."""
    return Track(resolver, TrackState.AUTH_WAIT, at, None)


def counted(track: Track, at: datetime, policy: TrackingPolicy) -> Track:
    """Begin a census once every authority has the new value: what was seen before is void."""
    begun = Track(track.resolver, track.state, track.since, at + policy.expiry_margin)
    kept = replace(begun, first_new_at=track.first_new_at, last_old_at=track.last_old_at)
    return kept.moved(TrackState.CENSUS, at)


def take(track: Track, sample: Sample, facts: Facts, policy: TrackingPolicy) -> Track:
    """Return the track after one answer, or after one that did not come."""
    if sample.value is None:
        return _failed(track, sample, policy)
    return _Look(_reached(track, sample, facts, policy), sample, facts, policy).taken()


def _failed(track: Track, sample: Sample, policy: TrackingPolicy) -> Track:
    trouble = track.trouble or Trouble(sample.at, 0, track.state)
    trouble = replace(trouble, failures=trouble.failures + 1)
    slack = max(0, trouble.failures - _TRIES)
    slow = min(policy.retry_max, policy.retry_gap * 10 * 2 ** min(slack, 16))
    gap = policy.retry_gap if trouble.failures < _TRIES else slow
    after = replace(
        track, trouble=trouble, next_at=sample.at + gap, recent=_with_recent(track, sample)
    )
    is_out = sample.at - trouble.since >= policy.unreachable_after
    if is_out and track.state is not TrackState.SETTLED:
        return after.moved(TrackState.UNREACHABLE, sample.at)
    return after


def _reached(track: Track, sample: Sample, facts: Facts, policy: TrackingPolicy) -> Track:
    """Return the track as it was before the failures, or with a new census after long ones."""
    trouble = track.trouble
    if trouble is None:
        return track
    back = replace(track, trouble=None)
    if track.state is TrackState.UNREACHABLE:
        back = back.moved(trouble.before, sample.at)
    is_long = sample.at - trouble.since > facts.span / 4
    if is_long and not trouble.before.has_converged and not track.is_mistrusted:
        return counted(back, sample.at, policy)
    return back


def _with_recent(track: Track, sample: Sample) -> tuple[Sample, ...]:
    return (*track.recent, sample)[-_RECENT:]


class _Look:
    """One answer in the light of what is known; `taken` returns the track after it."""

    def __init__(self, track: Track, sample: Sample, facts: Facts, policy: TrackingPolicy) -> None:
        self._facts, self._policy, self._at = facts, policy, sample.at
        had_new = any(entry.is_new for entry in track.entries)
        tolerance = policy.fingerprint_tolerance
        self._answer = answer = Answer(sample, track.recent, had_new, facts, tolerance)
        entries, self._is_unseen = self._entries(track, answer)
        had_alive = bool(old_alive(track.entries, sample.at))
        is_expected = answer.is_new or had_alive or track.state is TrackState.CENSUS
        self._is_surprise = not is_expected
        self._track = replace(
            track,
            entries=entries,
            recent=_with_recent(track, sample),
            first_new_at=track.first_new_at or (sample.at if answer.is_new else None),
            last_old_at=track.last_old_at if answer.is_new else sample.at,
            agreed=track.agreed + 1 if answer.is_new else track.agreed * is_expected,
            surprises=track.surprises + (not is_expected),
            is_mistrusted=track.is_mistrusted or answer.is_expired_copy,
        )

    def _entries(self, track: Track, answer: Answer) -> tuple[tuple[Entry, ...], bool]:
        sample, known, is_new = answer.sample, track.entries, answer.is_new
        if answer.is_told_stale:
            sample = replace(sample, ttl=0)  # what it shows is for how long it may be repeated
        if is_new and track.caches == 1 and track.census.is_done:
            known = replaced(known, sample.at)
        if answer.is_constant:
            return with_constant(known, sample), False
        return with_sample(known, sample, is_new=is_new, tolerance=answer.tolerance)

    def taken(self) -> Track:
        match self._track.state:
            case TrackState.UNKNOWN | TrackState.AUTH_WAIT:
                return self._track
            case TrackState.CENSUS:
                return self._counted()
            case TrackState.CONVERGED | TrackState.SETTLED:
                return self._watched()
            case TrackState.REGRESSED | TrackState.FLAPPING:
                return self._recovering()
            case _:
                return self._placed() if self._answer.is_new else self._late()

    def _counted(self) -> Track:
        census = self._counting()
        hits = [entry.hits for entry in self._track.entries]
        if not self._is_counted(census, hits) and census.samples < self._policy.census_max:
            self._track = replace(self._track, census=census)
            return self._asking_at(self._at + self._policy.sample_gap)
        caches = most_caches(census.distinct, census.samples, self._policy.max_caches)
        if is_skewed(hits) and census.distinct > 1:
            caches = max(caches, census.samples)  # one asked so seldom may well have been missed
        self._track = replace(self._track, census=replace(census, is_done=True), caches=caches)
        return self._placed()

    def _counting(self) -> Census:
        census = self._track.census
        answer = self._answer
        if census.distinct == 1 and answer.is_new and self._is_unseen and not answer.had_new:
            census = Census()  # one cache that has just renewed its copy would look like two
        since = census.since or self._at
        samples = census.samples + 1
        # Of the new copies those that live at one time: a cache that renews its own is no other.
        met = (entry for entry in self._track.entries if entry.last_at >= since)
        living = sum(not entry.is_new or self._at <= entry.expires_at for entry in met)
        distinct = max(1, living, census.distinct)
        last_unseen = samples if distinct > census.distinct else census.last_unseen
        return Census(since, samples, distinct, last_unseen)

    def _is_counted(self, census: Census, hits: Sequence[int]) -> bool:
        quiet = census.samples - census.last_unseen
        is_quiet = quiet >= math.ceil(1.5 * census.distinct) and not is_skewed(hits)
        # One that was met once among few: equal shares would soon show it again.
        is_clear = census.distinct == 1 or (is_quiet and (min(hits) > 1 or census.distinct > 3))
        return census.samples >= self._policy.census_min and is_clear

    def _late(self) -> Track:
        """An old answer while the old copies are waited for, or none should be left."""
        track = self._track
        if not self._answer.is_opaque:
            # Copies that live at one time are in as many caches: more than the census allowed?
            living = sum(entry.is_alive(self._at) for entry in track.entries)
            caches = min(self._policy.max_caches, max(track.caches, living))
            self._track = replace(track, caches=caches)
        return self._placed()

    def _placed(self) -> Track:
        """Return the track in the state that the evidence so far puts it in."""
        at, track = self._at, self._track
        if self._answer.is_overstaying(self._policy.expiry_margin):
            self._track = replace(track, is_mistrusted=True).moved(TrackState.OVERSTAY, at)
            return self._asking_again()
        is_over = track.state is TrackState.OVERSTAY
        if self._alive():
            self._track = track if is_over else track.moved(TrackState.WAITING, at)
            return self._asking_again() if self._is_surprise else self._after_expiry()
        if is_sure(self._track, at, self._facts, self._policy):
            self._track = replace(track, converged_at=at, looks=0, visits=0, taps=0, confirmed=0)
            self._track = self._track.moved(TrackState.CONVERGED, at)
            return self._asking_at(self._next_watch())
        self._track = track if is_over else track.moved(TrackState.CONFIRMING, at)
        return self._confirming()

    def _alive(self) -> tuple[Entry, ...]:
        return old_alive(self._track.entries, self._at)

    def _watched(self) -> Track:
        track, facts = self._track, self._facts
        if track.doubt is not None or not self._answer.is_new:
            return self._doubted()
        if track.state is TrackState.CONVERGED and self._at >= facts.bound_at:
            self._track = track = replace(track, confirmed=track.confirmed + 1)
            if not is_final(track, self._policy):
                return self._asking_at(self._at + self._policy.sample_gap)
            self._track = track.moved(TrackState.SETTLED, self._at)
        return self._asking_at(self._next_watch())

    def _doubted(self) -> Track:
        track, at = self._track, self._at
        if track.state is TrackState.CONVERGED and at < self._facts.bound_at:
            return self._late()  # a cache that was never met, within its time: no regression
        doubt = track.doubt or Doubt(0, 0)
        doubt = Doubt(doubt.asked + 1, doubt.old + (not self._answer.is_new))
        if doubt.asked < _DOUBTERS:
            self._track = replace(track, doubt=doubt)
            return self._asking_at(at + self._policy.retry_gap)
        self._track = replace(track, doubt=None, confirmed=0)
        if doubt.old * 2 > _DOUBTERS:
            return self._regressed()
        return self._asking_at(at + self._policy.watch_min)

    def _regressed(self) -> Track:
        self._track = replace(self._track, is_mistrusted=True, agreed=0)
        self._turned()
        return self._asking_again()

    def _recovering(self) -> Track:
        track, at, policy = self._track, self._at, self._policy
        if not self._answer.is_new:
            return self._asking_again()
        quiet = policy.hold_down * (2 if track.state is TrackState.FLAPPING else 1)
        calm_at = (track.last_old_at or track.since) + quiet
        if not is_sure(track, at, self._facts, policy):
            return self._confirming()
        if at < calm_at:
            return self._asking_at(calm_at)
        self._track = replace(track, converged_at=at, looks=0, visits=0, taps=0, confirmed=0)
        self._turned()
        return self._asking_at(self._next_watch())

    def _turned(self) -> None:
        """Count a turn to old or back; several within a while are flapping."""
        track, at = self._track, self._at
        is_back = track.state in {TrackState.REGRESSED, TrackState.FLAPPING}
        within = at - self._policy.hold_down * 4
        turns = (*(turn for turn in track.turns if turn > within), at)
        state = TrackState.FLAPPING if len(turns) >= _FLAPS else TrackState.REGRESSED
        self._track = replace(track, turns=turns).moved(
            TrackState.CONVERGED if is_back else state, at
        )

    def _confirming(self) -> Track:
        next_at = next_confirmation(self._track, self._at, self._facts, self._policy)
        if next_at is None:
            self._track = replace(self._track, visits=self._track.visits + 1)
            next_at = self._at + self._patience()
        return self._asking_at(next_at)

    def _patience(self) -> timedelta:
        growth = 1.5 ** min(self._track.visits, 64)
        return min(self._policy.overstay_retry * growth, self._policy.overstay_backoff)

    def _after_expiry(self) -> Track:
        """Sleep until the first old copy expires, and those that expire soon after it."""
        within = max(self._policy.merge_within, timedelta(seconds=self._facts.old_ttl / 12))
        expires_at = expiry_to_wait_for(self._alive(), within)
        return self._asking_at(expires_at + self._policy.expiry_margin)

    def _asking_again(self) -> Track:
        """After an old answer that should not be: at its expiry, or with growing patience."""
        track, policy = self._track, self._policy
        is_opaque = self._answer.is_opaque or track.surprises > _RENEWALS + track.caches
        if not is_opaque and self._alive():
            return self._after_expiry()
        if track.taps < _TAPS and track.visits < _TAPPED_VISITS:
            self._track = replace(track, taps=track.taps + 1)
            return self._asking_at(self._at + policy.retry_gap)
        wait = self._patience()
        self._track = replace(track, taps=0, visits=track.visits + 1)
        return self._asking_at(self._at + wait)

    def _next_watch(self) -> datetime | None:
        track, facts, policy = self._track, self._facts, self._policy
        if self._at < facts.bound_at:
            return facts.bound_at + policy.expiry_margin
        if track.state is TrackState.CONVERGED:
            return self._at + policy.sample_gap
        self._track = replace(track, looks=track.looks + 1)
        wait = min(policy.watch_max, policy.watch_min * 2 ** min(track.looks, 16))
        return None if self._at >= facts.deadline_at else self._at + wait

    def _asking_at(self, at: datetime | None) -> Track:
        return replace(self._track, next_at=at)
