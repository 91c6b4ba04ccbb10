"""`audit`: what the log tells of changes, and whether it is as it was written."""

from dataclasses import dataclass
from pathlib import Path

from monitor.assembly.parts import NotAvailable
from monitor.assembly.reporting import replay_of, targets_not_as_shipped
from monitor.assembly.stores import reading_what_is_there
from monitor.cli.configuring import complain, print_json, settings_of
from monitor.cli.exit_codes import Exit
from monitor.cli.speaking import UsageFault, audit_terminal, surroundings
from monitor.config import ConfigError, Settings
from monitor.core.tampering import Head, Inspection
from monitor.entrypoints.audit_documents import inspection_document, replay_document
from monitor.entrypoints.audit_terminal import AuditTerminal
from monitor.entrypoints.scenario_toml import scenario_toml
from monitor.ports import StoreError
from monitor.usecases.replay import Replayed, replay
from monitor.usecases.verify import verify

_EXPECTED = (ConfigError, NotAvailable, StoreError, UsageFault)


async def run_verify(head: str | None, config: Path | None, *, is_json: bool) -> Exit:
    try:
        settings = settings_of(config)
        screen = audit_terminal(settings)
        inspection = await _inspected(settings, _head_of(head) if head else None, screen)
    except _EXPECTED as error:
        return complain(error)
    code = Exit.OK if inspection.is_intact else Exit.CRITICAL
    if is_json:
        print_json({**inspection_document(inspection), "exit_code": int(code)})
    else:
        screen.show_inspection(inspection)
    return code


async def _inspected(settings: Settings, wanted: Head | None, screen: AuditTerminal) -> Inspection:
    async with reading_what_is_there(settings, surroundings()) as store:
        with screen.progress() as progress:
            task = progress.add_task("", total=await store.newest())
            return await verify(store, wanted, lambda many: progress.advance(task, many))


@dataclass(frozen=True, slots=True)
class Again:
    """What `replay` was given."""

    change: str | None
    export: Path | None


async def run_replay(again: Again, config: Path | None, *, is_json: bool) -> Exit:
    """Return 0 where every verdict would be the same now, 1 where some differ."""
    try:
        settings = settings_of(config)
        screen = audit_terminal(settings)
        replayed = await _replayed(settings, again.change, screen)
    except _EXPECTED as error:
        return complain(error)
    if again.export is not None:
        title = f"Answers of change {again.change}." if again.change else "Answers of a log."
        cases = scenario_toml(replayed.answers, title, targets_not_as_shipped(settings))
        again.export.write_text(cases, encoding="utf-8")
    code = Exit.WARNING if replayed.differing else Exit.OK
    if is_json:
        print_json({**replay_document(replayed), "exit_code": int(code)})
    else:
        screen.show_replayed(replayed)
    return code


async def _replayed(settings: Settings, change: str | None, screen: AuditTerminal) -> Replayed:
    number = change.upper() if change else None
    async with reading_what_is_there(settings, surroundings()) as store:
        if number is not None and await store.change(number) is None:
            raise UsageFault(f"there is no change {change}: `changes` lists them")
        with screen.progress() as progress:
            task = progress.add_task("", total=await store.newest())
            judging = replay_of(settings)
            return await replay(store, judging, number, lambda n: progress.advance(task, n))


def _head_of(written: str) -> Head:
    try:
        return Head.parse(written)
    except ValueError as error:
        raise UsageFault(f"--head: {error}") from error
