"""Scenario files of changes: a small world, what happens in it, and how it must be followed.

A case is a script of steps, each from its instant on; between them the world goes on by itself:
authorities are polled as usual, resolvers asked when the agenda says so. All times are those of a
stop watch that begins with the script: setting the clock on the wall does not move them.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, with_config

from monitor.core.tracking.policy import TrackingPolicy

FOLDER = Path(__file__).parents[2] / "scenarios" / "changes"
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")

Said = str | tuple[str, ...]


def seconds(written: str) -> float:
    """Return the seconds of a duration such as `-1h30m`."""
    sign, text = (-1, written[1:]) if written.startswith("-") else (1, written)
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{written!r} is no duration")
    return sign * sum(float(number) * _UNITS[unit] for number, unit in parts)


# A key that nobody knows is a slip: it would leave a case weaker than it reads.
_strict = with_config(ConfigDict(extra="forbid"))


@_strict
@dataclass(frozen=True, slots=True, kw_only=True)
class Do:
    """What happens at an instant.

    `authorities` says what each serves from now on: `new 600` (a value and its TTL) or `silent`;
    `all` means every one. `resolvers` says what each has: `cold`, an honest and empty cache;
    `old 300`, one with a copy that has so many seconds to live; `old 300 renewed`, one that
    renews its copy by itself; `old 30 constant`, which always shows this; `timeout`; `servfail`;
    with `ede 3`, `nsid a` or `scope 24` behind it. Several of them are caches that take turns.
    """

    at: str
    authorities: Mapping[str, str] = field(default_factory=dict)
    resolvers: Mapping[str, Said] = field(default_factory=dict)
    announce: str | None = None
    planned: str | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    kept_for: str = "0s"
    is_consistent: bool | None = None
    clock: str | None = None
    down_for: str | None = None
    restart: bool = False
    unwatch: bool = False


@_strict
@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What must be known at an instant, after everything that was due by then.

    `events` are all so far but those of tracks, of which `moves` tells: the states of each.
    `due` says in how long each resolver is asked next, `never` that it is not.
    """

    at: str
    changes: int | None = None
    state: str | None = None
    kind: str | None = None
    source: str | None = None
    old: str | None = None
    new: str | None = None
    old_ttl: int | None = None
    detected: str | None = None
    unseen_since: str | None = None
    agreed: str | None = None
    bound: str | None = None
    deadline: str | None = None
    eta: str | None = None
    progress: float | None = None
    coverage: float | None = None
    is_observable: bool | None = None
    by: str | None = None
    previous: str | None = None
    tracks: Mapping[str, str] | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    moves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    events: tuple[str, ...] | None = None
    late: Mapping[str, str] | None = None
    unverified: tuple[str, ...] | None = None
    bound_after_deadline: bool | None = None
    due: Mapping[str, str] = field(default_factory=dict)


@_strict
@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One story; `before` is what every authority has served for `known_for`."""

    name: str
    authorities: tuple[str, ...] = ("ns1", "ns2")
    resolvers: tuple[str, ...] = ("alidns",)
    hop: bool = False
    before: str = "old 600"
    known_for: str = "3m"
    policy: Mapping[str, str | int | float] = field(default_factory=dict)
    do: tuple[Do, ...] = ()
    expect: tuple[Expect, ...]

    @property
    def tracking_policy(self) -> TrackingPolicy:
        parameters: dict[str, Any] = {n: _parameter(v) for n, v in self.policy.items()}
        return TrackingPolicy(**parameters)


def _parameter(value: str | float) -> timedelta | float:
    return timedelta(seconds=seconds(value)) if isinstance(value, str) else value


_SCENARIO = TypeAdapter(Scenario)


def scenarios() -> Iterator[Scenario]:
    """Yield every case of every file; a file's `[defaults]` fill what a case leaves out."""
    for file in sorted(FOLDER.glob("*.toml")):
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        defaults = document.get("defaults", {})
        for case in document["case"]:
            yield _SCENARIO.validate_python(defaults | case)
