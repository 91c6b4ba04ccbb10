"""`ownership`: the TXT record that OSS wants to see, and who sees it by now."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import typer
from rich.console import Console

from monitor.assembly.ownership import Ownership, TokenUnavailable
from monitor.assembly.parts import NotAvailable
from monitor.cli.configuring import complain, print_json, settings_of
from monitor.cli.exit_codes import Exit
from monitor.cli.speaking import UsageFault, language_of, surroundings
from monitor.cli.waiting import timeout_of
from monitor.config import ConfigError, Settings
from monitor.core.names import DomainName, InvalidName
from monitor.core.ownership import CnameToken, Sights
from monitor.entrypoints.instants import instant
from monitor.entrypoints.ownership_documents import ownership_document
from monitor.entrypoints.ownership_terminal import OwnershipTerminal
from monitor.usecases.prove import Prove
from monitor.wording import wording

_EXPECTED = (ConfigError, NotAvailable, InvalidName, TokenUnavailable, UsageFault)


@dataclass(frozen=True, slots=True)
class Claim:
    """What `ownership` was given; `timeout` None is for one look."""

    domain: str
    bucket: str
    timeout: str | None = None


async def run_ownership(claim: Claim, config: Path | None, *, is_json: bool) -> Exit:
    """Show the record and who sees it: 0 everybody who answers, 1 not yet, 3 nobody answers."""
    try:
        settings = settings_of(config)
        timeout = None if claim.timeout is None else timeout_of(claim.timeout)
        ownership = Ownership(settings, surroundings())
        token = await ownership.token(_provable(claim.domain), claim.bucket)
        prove = ownership.prove()
        sights = await prove.look(token)
        screen = OwnershipTerminal(Console(), wording(language_of(settings)))
        if timeout is not None and not sights.is_visible:
            if not is_json:
                screen.show(sights)  # nobody can add a record that was not shown
            sights = await _Waiting(settings, prove, screen).until_visible(sights, timeout)
    except _EXPECTED as error:
        return complain(error)
    code = _exit_of(sights)
    if is_json:
        print_json({**ownership_document(sights), "exit_code": int(code)})
    else:
        screen.show(sights)
    return code


def _provable(written: str) -> DomainName:
    domain = DomainName.parse(written)
    if domain.is_wildcard:
        raise UsageFault(f"{written}: OSS proves names one by one; name one without the wildcard")
    DomainName.parse(CnameToken(domain, "", "", "").owner.text)  # it may be too long by then
    return domain


def _exit_of(sights: Sights) -> Exit:
    match sights.is_visible:
        case True:
            return Exit.OK
        case False:
            return Exit.WARNING
        case None:
            return Exit.UNKNOWN


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Looks again and again, and says on the error output when something has changed."""

    settings: Settings
    prove: Prove
    screen: OwnershipTerminal

    async def until_visible(self, sights: Sights, timeout: timedelta) -> Sights:
        """Return the first look at which everybody sees it, or the last one in time."""
        pause = self.settings.schedule.authority_fast_interval.total_seconds()
        deadline = asyncio.get_running_loop().time() + timeout.total_seconds()
        told = ""
        while not sights.is_visible and asyncio.get_running_loop().time() < deadline:
            line = str(self.screen.line(sights))
            if line != told:
                typer.echo(f"{instant(surroundings().clock.now())}  {line}", err=True)
            told = line
            left = deadline - asyncio.get_running_loop().time()
            await asyncio.sleep(max(0.0, min(pause, left)))
            sights = await self.prove.look(sights.token)
        return sights
