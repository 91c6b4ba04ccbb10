"""`check`, `explain` and `inventory`: ask once, print, and tell by the exit code."""

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from monitor.assembly.once import Once
from monitor.assembly.parts import NotAvailable
from monitor.assembly.tracking import Changes
from monitor.cli.configuring import complain, print_json, settings_of
from monitor.cli.exit_codes import Exit, exit_of
from monitor.cli.speaking import UsageFault, change_terminal, surroundings, terminal
from monitor.config import ConfigError, Settings, parse
from monitor.config.sockets import parse_server
from monitor.core.binding_faults import OF_VISITS
from monitor.core.bindings import CONFIGURED
from monitor.core.discovery import take_listing
from monitor.core.events import Record
from monitor.core.inventory import Failure, Listing
from monitor.core.names import DomainName, InvalidName
from monitor.core.state import DomainState, State
from monitor.entrypoints.documents import account_document, domain_document, record_document
from monitor.ports import StoreError
from monitor.usecases.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for: domains, and what overrules the configuration."""

    config: Path | None
    domains: tuple[str, ...] = ()
    bucket: str | None = None
    endpoint: str | None = None
    target: str | None = None
    resolvers: tuple[str, ...] = ()


_EXPECTED = (ConfigError, NotAvailable, UsageFault, InvalidName)


async def run_check(request: Request, *, is_json: bool) -> Exit:
    try:
        settings, domains, unread = await _prepared(request)
        snapshot = await _asked(settings, domains)
    except _EXPECTED as error:
        return complain(error)
    # With everything asked for, what could not be listed may be anything: that is not all right.
    missing = Exit.UNKNOWN if unread and not request.domains else Exit.OK
    code = exit_of(snapshot) or missing
    if is_json:
        found = [domain_document(snapshot, domain) for domain in snapshot.domains]
        print_json({"domains": found, "exit_code": int(code)})
    else:
        terminal(settings).show_check(snapshot)
    return code


async def run_explain(request: Request, *, is_json: bool) -> Exit:
    unbound = "bind it there, or ask `check` with --bucket and --endpoint, or with --target"
    try:
        settings, domains, _ = await _prepared(request, unbound)
        followed = [await _with_changes(settings, domain) for domain in domains]
        snapshot = await _asked(settings, followed)
        (domain,) = snapshot.domains
        history = await _history(settings, domain.domain)
    except _EXPECTED as error:
        return complain(error)
    if is_json:
        records = [record_document(record) for record in history]
        print_json({**domain_document(snapshot, domain), "history": records})
    else:
        terminal(settings).show_domain(snapshot, domain, history)
        change = snapshot.change(domain)
        if change is not None:
            typer.echo()
            change_terminal(settings).show_change(change, snapshot, ())
    return exit_of(snapshot)


async def _with_changes(settings: Settings, domain: DomainState) -> DomainState:
    """Add what a daemon has followed and seen over HTTP, which no single look can show."""
    try:
        known = await Changes(settings, surroundings()).known(domain.domain)
    except StoreError as error:
        complain(error)
        return domain
    if known is None:
        return domain
    is_seen = settings.http_check.enabled and known.binding == domain.binding
    seen = known.faults & OF_VISITS if is_seen else frozenset()
    return replace(domain, records=known.records, faults=domain.faults | seen)


async def _history(settings: Settings, domain: DomainName) -> tuple[Record, ...]:
    try:
        return await Once(settings, surroundings()).history(domain)
    except StoreError as error:
        complain(error)
        return ()


async def run_inventory(config: Path | None, *, is_json: bool) -> Exit:
    try:
        settings = settings_of(config)
    except ConfigError as error:
        return complain(error)
    state = await Once(settings, surroundings()).inventory()
    accounts = [state.accounts[name] for name in sorted(state.accounts)]
    if is_json:
        print_json({"accounts": [account_document(account, state) for account in accounts]})
    else:
        terminal(settings).show_inventory(state)
    return Exit.WARNING if any(account.failures for account in accounts) else Exit.OK


async def _prepared(
    request: Request,
    unbound: str = "say what it should reach with --bucket and --endpoint, or with --target",
) -> tuple[Settings, list[DomainState], list[Failure]]:
    """Return the settings with what overrules them, the domains to ask about, what is unread."""
    settings = _overruled(settings_of(request.config), request)
    wanted = [DomainName.parse(domain) for domain in request.domains]
    state = _by_hand(request) or await Once(settings, surroundings()).inventory()
    unread = [failure for account in state.accounts.values() for failure in account.failures]
    for failure in unread:
        place = f"{failure.scope.value} {failure.bucket}".rstrip()
        typer.echo(f"{place}: {failure.reason.value}: {failure.detail}", err=True)
    if not wanted:
        wanted = sorted(state.domains)
    if not wanted:
        raise UsageFault(
            "there is no domain to check: name one with --bucket and --endpoint, or bind domains "
            "in a configuration given with -c"
        )
    for domain in wanted:
        if domain not in state.domains:
            raise UsageFault(
                f"{domain.display} is not bound in the configuration or its accounts: {unbound}"
            )
    return settings, [state.domains[domain] for domain in wanted], unread


def _overruled(settings: Settings, request: Request) -> Settings:
    if not request.resolvers:
        return settings
    tables = "".join(_resolver_table(address) for address in request.resolvers)
    given = parse(tables, {}, source="--resolver")
    authority = settings.authority.model_copy(update={"bootstrap": ()})
    return settings.model_copy(update={"resolvers": given.resolvers, "authority": authority})


def _resolver_table(address: str) -> str:
    name = _quoted(re.sub(r"[^A-Za-z0-9._-]+", "-", address).strip("-"))
    keys = f"address = {_quoted(address)}"
    with suppress(ValueError):
        server = parse_server(address)
        keys = f"address = {_quoted(server.host)}\nport = {server.port}"
    return f"[[resolvers]]\nname = {name}\n{keys}\n"


def _quoted(text: str) -> str:
    # TOML has JSON's strings but for the halves in which JSON may write a rare character.
    return json.dumps(text, ensure_ascii=False)


def _by_hand(request: Request) -> State | None:
    """Return the domains as bound by the options; None without such options."""
    keys = {"bucket": request.bucket, "endpoint": request.endpoint, "target": request.target}
    given = "".join(f"{key} = {_quoted(value)}\n" for key, value in keys.items() if value)
    if not given:
        return None
    tables = "".join(
        f"[[bindings]]\ndomain = {_quoted(domain)}\n{given}" for domain in request.domains
    )
    bindings = tuple(b.binding for b in parse(tables, {}, source="the options").bindings)
    now = surroundings().clock.now()
    return State().after(take_listing(State(), Listing(CONFIGURED, bindings), now))


async def _asked(settings: Settings, domains: Iterable[DomainState]) -> Snapshot:
    listed = list(domains)
    with terminal(settings).progress() as progress:
        task = progress.add_task("", total=len(listed))
        once = Once(settings, surroundings())
        return await once.check(listed, lambda: progress.advance(task))
