"""`wait`: return when a change is everywhere, for pipelines and for people."""

import asyncio
import sys
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import typer
from rich.progress import Progress, TaskID

from monitor.assembly.once import Once
from monitor.assembly.parts import NotAvailable, resolvers_of
from monitor.assembly.tracking import Changes
from monitor.cli.changing import snapshot_of
from monitor.cli.configuring import complain, print_json, settings_of
from monitor.cli.exit_codes import Exit
from monitor.cli.speaking import UsageFault, change_terminal, surroundings
from monitor.config import ConfigError, Settings
from monitor.config.durations import parse_duration
from monitor.core.bindings import Binding, NameTarget
from monitor.core.names import DomainName, InvalidName
from monitor.core.state import DomainState
from monitor.entrypoints.change_documents import change_document
from monitor.entrypoints.instants import instant
from monitor.logs import Secrets, set_up
from monitor.ports import StoreError
from monitor.usecases.announce import Announcement, NotAnnounced
from monitor.usecases.wait import Waited, waited

_EXPECTED = (ConfigError, NotAvailable, InvalidName, StoreError, UsageFault, NotAnnounced)


@dataclass(frozen=True, slots=True)
class Awaited:
    """What `wait` was given."""

    domain: str
    target: str | None
    timeout: str
    is_settled: bool


async def run_wait(awaited: Awaited, config: Path | None, *, is_json: bool) -> Exit:
    """Wait, and return 0 when it is reached, 1 after the timeout, 2 when another value won."""
    set_up(level="error", is_json=not sys.stderr.isatty(), secrets=Secrets())
    try:
        settings = settings_of(config)
        timeout = timeout_of(awaited.timeout)
        name = DomainName.parse(awaited.domain)
        target = DomainName.parse(awaited.target) if awaited.target else None
        domain = await _domain(settings, name, target)
        waiting = _Waiting(settings, target, is_settled=awaited.is_settled)
        code = await waiting.until(domain, timeout)
    except _EXPECTED as error:
        return complain(error)
    if is_json:
        print_json(waiting.document(code))
    return code


def timeout_of(written: str) -> timedelta:
    """Return how long to wait at most. Raises UsageFault."""
    try:
        return parse_duration(written)
    except ValueError as error:
        raise UsageFault(f'--timeout: write a duration such as "30m" (got {written!r})') from error


async def _domain(settings: Settings, name: DomainName, target: DomainName | None) -> DomainState:
    """Return what is known of the domain: by a daemon, the inventory, or the target alone."""
    around = surroundings()
    known = await Changes(settings, around).known(name)
    if known is not None and known.watched is not None:
        return known
    bound = (await Once(settings, around).inventory()).domains.get(name)
    if bound is not None and bound.watched is not None:
        return bound
    if target is None:
        raise UsageFault(f"{name.display} is not bound: say with --to what it should lead to")
    return DomainState(name, Binding(name, NameTarget(target)), around.clock.now())


class _Waiting:
    """One wait, with what it last saw."""

    def __init__(self, settings: Settings, target: DomainName | None, *, is_settled: bool) -> None:
        self._settings = settings
        self._target = target
        self._is_settled = is_settled
        self._terminal = change_terminal(settings)
        self._since = surroundings().clock.now()
        self._last: DomainState | None = None
        self._told = ""

    async def until(self, domain: DomainState, timeout: timedelta) -> Exit:
        """Follow the domain until what is wanted is there, another value won, or time is over."""
        with self._terminal.progress() as progress:
            task = progress.add_task("", total=1.0)
            try:
                async with asyncio.timeout(timeout.total_seconds()):
                    return await self._follow(domain, progress, task)
            except TimeoutError:
                return Exit.WARNING

    async def _follow(self, domain: DomainState, progress: Progress, task: TaskID) -> Exit:
        announced = None
        if self._target is not None:
            announced = Announcement(domain.domain, self._target, self._since)
        states = Changes(self._settings, surroundings()).followed(domain, announced)
        async with aclosing(states):
            async for state in states:
                self._last = state
                self._show(progress, task)
                found = self._judged(state)
                if found is not Waited.NOT_YET:
                    return Exit.OK if found is Waited.REACHED else Exit.CRITICAL
        return Exit.UNKNOWN  # nobody follows it any more

    def _judged(self, state: DomainState) -> Waited:
        views = {r.name: r.client_subnet or "" for r in resolvers_of(self._settings)}
        wanted, since, is_settled = self._target, self._since, self._is_settled
        return waited(state, wanted, since, is_settled=is_settled, views=views)

    def _show(self, progress: Progress, task: TaskID) -> None:
        snapshot = snapshot_of(self._settings)
        change = snapshot.change(self._last) if self._last else None
        line = self._terminal.line(change, snapshot)
        share = change.progress(snapshot.at, snapshot.weights) if change else 0.0
        brief = self._terminal.brief(change, snapshot)
        progress.update(task, description=brief, completed=share)
        if line != self._told and not sys.stderr.isatty():
            typer.echo(f"{instant(snapshot.at)}  {line}", err=True)
        self._told = line

    def document(self, code: Exit) -> dict[str, object]:
        """Return how it ended, with the change that was waited for."""
        snapshot = snapshot_of(self._settings)
        change = snapshot.change(self._last) if self._last else None
        return {
            "domain": self._last.domain.text if self._last else None,
            "target": self._target.text if self._target else None,
            "result": _RESULTS[code],
            "exit_code": int(code),
            "change": change_document(snapshot, change) if change else None,
        }


_RESULTS = {
    Exit.OK: "reached",
    Exit.WARNING: "timeout",
    Exit.CRITICAL: "another_value_won",
    Exit.UNKNOWN: "unknown",
}
