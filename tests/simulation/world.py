"""A scene in motion: what a monitor may ask, and what nobody in it can know."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from tests.simulation.authorities import Published
from tests.simulation.caches import Cache, Said
from tests.simulation.scenes import Routing, Scene
from tests.simulation.spells import BEGINNING, HORIZON

# Of more clients than these between two questions, the place in the round is anybody's guess.
_MANY_CLIENTS = 50.0


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer of the resolver, as it arrives."""

    is_new: bool
    ttl: int
    nsid: str | None
    extended_errors: tuple[int, ...]


class World:
    """One resolver over its servers; ask in the order of time."""

    def __init__(self, scene: Scene, lots: random.Random) -> None:
        self.scene = scene
        self.caches = [
            Cache(
                scene.habit,
                scene.setting,
                member.clients_per_second,
                random.Random(lots.getrandbits(64)),
            )
            for member in scene.members
        ]
        self.questions = 0  # to the resolver, since the change
        self._lots = lots
        self._weights = [member.weight for member in scene.members]
        self._clients_per_second = sum(member.clients_per_second for member in scene.members)
        self._place = lots.randrange(len(self.caches))
        self._asked_at = BEGINNING
        self._now = BEGINNING

    def ask_resolver(self, t: float) -> Shown | None:
        """Ask one cache as a client with a new port does; None if no answer came."""
        self.questions += t >= 0
        self._pass(t)
        chosen = self._route(t)
        self._asked_at = t
        if self._is_lost():
            return None
        said = self.caches[chosen].ask(t)
        return None if said is None or self._is_lost() else self._shown(chosen, said)

    def ask_authorities(self, t: float) -> Mapping[str, Published]:
        """Ask every server; those whose answer is lost are missing."""
        self._pass(t)
        published = self.scene.setting.authorities.publish(t)
        return {name: said for name, said in published.items() if not self._is_lost()}

    def old_share(self, t: float) -> float:
        """Return the share of new clients who would be told OLD now."""
        self._pass(t)
        told = sum(
            weight * self._old_chance(cache, t)
            for weight, cache in zip(self._weights, self.caches, strict=True)
        )
        return told / sum(self._weights)

    def old_until(self) -> float:
        """End the window; return when the last chance to be told OLD was, by anybody.

        It is infinite if a cache still holds OLD that only a question can drive out.
        """
        self._pass(HORIZON)
        for cache in self.caches:
            cache.advance(HORIZON)
        return max(0.0, *(cache.old_until() for cache in self.caches))

    def _old_chance(self, cache: Cache, t: float) -> float:
        cache.advance(t)
        return cache.old_chance(t)

    def _pass(self, t: float) -> None:
        if t < self._now:
            raise ValueError(f"asked about {t} after {self._now}")
        self._now = t

    def _is_lost(self) -> bool:
        return self._lots.random() < self.scene.loss / 2  # on the way there, or back

    def _route(self, t: float) -> int:
        if len(self.caches) == 1:
            return 0
        if self.scene.routing is Routing.ROUND_ROBIN and len(set(self._weights)) == 1:
            self._place = (self._place + 1 + self._passed_by(t)) % len(self.caches)
            return self._place
        (chosen,) = self._lots.choices(range(len(self.caches)), self._weights)
        return chosen

    def _passed_by(self, t: float) -> int:
        """How many clients took their turn since the last question."""
        expected = self._clients_per_second * (t - self._asked_at)
        if expected > _MANY_CLIENTS:
            return self._lots.randrange(len(self.caches))
        passed, reached = 0, self._lots.expovariate(1)
        while reached < expected:
            passed, reached = passed + 1, reached + self._lots.expovariate(1)
        return passed

    def _shown(self, chosen: int, said: Said) -> Shown:
        nsid = self.scene.members[chosen].nsid
        return Shown(said.is_new, said.ttl, nsid, said.extended_errors)
