"""`changes`, `announce` and `plan`: what changed, what is to change, and what that would mean."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import typer

from monitor.adapters.daemon_api import DaemonAt, DaemonRefused, DaemonUnreachable, post_change
from monitor.assembly.once import Once
from monitor.assembly.parts import NotAvailable, resolvers_of
from monitor.assembly.tracking import Changes
from monitor.cli.configuring import complain, print_json, settings_of
from monitor.cli.exit_codes import Exit
from monitor.cli.reaching import Reach, daemon_of
from monitor.cli.speaking import UsageFault, change_terminal, instant_of, surroundings
from monitor.config import ConfigError, Settings
from monitor.core.names import DomainName, InvalidName
from monitor.core.state import State
from monitor.core.tracking.authorities import ServerHistory
from monitor.core.tracking.planning import Plan, plan
from monitor.core.tracking.record import RecordKey
from monitor.entrypoints.change_documents import change_document
from monitor.entrypoints.documents import record_document
from monitor.entrypoints.instants import instant
from monitor.ports import StoreError
from monitor.usecases.announce import Announcement, NotAnnounced
from monitor.usecases.snapshot import Snapshot

_EXPECTED = (
    ConfigError,
    NotAvailable,
    InvalidName,
    StoreError,
    NotAnnounced,
    UsageFault,
    DaemonRefused,
    DaemonUnreachable,
)


@dataclass(frozen=True, slots=True)
class Planned:
    """What `announce` was given."""

    domain: str
    target: str
    at: str | None
    by: str | None
    note: str | None


async def run_changes(config: Path | None, *, only_open: bool, is_json: bool) -> Exit:
    try:
        settings = settings_of(config)
        changes = await Changes(settings, surroundings()).listed(only_open=only_open)
        snapshot = snapshot_of(settings)
    except _EXPECTED as error:
        return complain(error)
    if is_json:
        items = [change_document(snapshot, change) for change in changes]
        return print_json({"items": items, "next": None})
    change_terminal(settings).show_changes(changes, snapshot)
    return Exit.OK


async def run_show(number: str, config: Path | None, *, is_json: bool) -> Exit:
    try:
        settings = settings_of(config)
        change, story = await Changes(settings, surroundings()).one(number.upper())
        if change is None:
            raise UsageFault(f"there is no change {number}: `changes` lists them")
        snapshot = snapshot_of(settings)
    except _EXPECTED as error:
        return complain(error)
    if is_json:
        events = [record_document(record) for record in story]
        return print_json({**change_document(snapshot, change), "events": events})
    change_terminal(settings).show_change(change, snapshot, story)
    return Exit.OK


async def run_announce(
    planned: Planned, config: Path | None, reach: Reach, *, is_json: bool
) -> Exit:
    try:
        settings = settings_of(config)
        daemon = daemon_of(reach, settings)
        # Without a name, the daemon takes that of the token.
        by = planned.by or ("" if daemon.token else os.environ.get("USER", ""))
        announcement = _announcement(planned, by)
        document = await _announced(settings, daemon, announcement, is_elsewhere=bool(reach.url))
    except _EXPECTED as error:
        return complain(error)
    if is_json:
        return print_json(document)
    typer.echo(str(document["id"]))
    return Exit.OK


async def _announced(
    settings: Settings, daemon: DaemonAt, announcement: Announcement, *, is_elsewhere: bool
) -> Mapping[str, object]:
    """Tell the daemon, or, where none runs on these settings, keep it for the next one."""
    told = {"domain": announcement.domain.text, "to": announcement.target.text}
    told |= {"by": announcement.by, "note": announcement.note}
    told |= {"at": announcement.at.isoformat()} if announcement.at else {}
    try:
        return post_change(daemon, told)
    except DaemonUnreachable:
        if is_elsewhere:
            raise
        change = await Changes(settings, surroundings()).announce(announcement)
        return change_document(snapshot_of(settings), change)


def _announcement(planned: Planned, by: str) -> Announcement:
    return Announcement(
        DomainName.parse(planned.domain),
        DomainName.parse(planned.target),
        instant_of(planned.at, "--at") if planned.at else None,
        by,
        planned.note or "",
    )


async def run_plan(domain: str, target: str | None, config: Path | None, *, is_json: bool) -> Exit:
    try:
        settings = settings_of(config)
        name = DomainName.parse(domain)
        wanted = DomainName.parse(target) if target else None
        found = await _plan_of(settings, name)
        if found is None:
            raise UsageFault(f"no authority of {name.display} answers: nothing can be said of it")
    except _EXPECTED as error:
        return complain(error)
    code = Exit.WARNING if found.has_advice else Exit.OK
    if is_json:
        print_json({**_plan_document(found, name, wanted), "exit_code": int(code)})
    else:
        change_terminal(settings).show_plan(found, wanted.text if wanted else None)
    return code


async def _plan_of(settings: Settings, name: DomainName) -> Plan | None:
    """Ask the authorities now, and add what a daemon remembers of them."""
    around = surroundings()
    known = await Changes(settings, around).known(name)
    record = known.records.get(RecordKey(name)) if known else None
    remembered = dict(record.authorities) if record else {}
    now = around.clock.now()
    histories = dict(remembered)
    for server, sample in (await Once(settings, around).authorities(name)).items():
        history = remembered.get(server, ServerHistory(server))
        histories[server] = history.answered(sample, None)
    return plan(histories.values(), now)


def _plan_document(found: Plan, name: DomainName, target: DomainName | None) -> dict[str, object]:
    return {
        "domain": name.text,
        "target": target.text if target else None,
        "value": found.value.text if found.value else None,
        "ttl": int(found.ttl.total_seconds()),
        "old_until": instant(found.old_until),
        "drained_at": instant(found.drained_at),
        "lower_ttl_first": found.lower_first,
        "change_at": instant(found.then_at) if found.has_advice else instant(found.at),
        "authorities_differ": found.is_split,
    }


def snapshot_of(settings: Settings) -> Snapshot:
    """Return what is needed to tell how far a change has come by now."""
    return Snapshot(surroundings().clock.now(), State(), resolvers_of(settings))
