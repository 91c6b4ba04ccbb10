"""`audit report`: what can be handed over of changes, from what a daemon has kept."""

import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitor.assembly.parts import NotAvailable
from monitor.assembly.reporting import KeptReports, Span, readable
from monitor.cli.configuring import complain, settings_of
from monitor.cli.exit_codes import Exit
from monitor.cli.speaking import UsageFault, instant_of, language_of, surroundings
from monitor.config import ConfigError, Settings
from monitor.core.names import DomainName, InvalidName
from monitor.core.report import Report
from monitor.entrypoints.report.forms import Form, written
from monitor.entrypoints.report.sections import sheet_of
from monitor.ports import StoreError
from monitor.wording import Language, wording

_EXPECTED = (ConfigError, NotAvailable, InvalidName, StoreError, UsageFault)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to report on, one change or those of a domain, and how to write it."""

    change: str | None = None
    domain: str | None = None
    since: str | None = None
    until: str | None = None
    form: str = "html"
    lang: str | None = None
    at: str | None = None
    output: Path | None = None


async def run_report(wanted: Wanted, config: Path | None) -> Exit:
    """Write the report to a file, or to standard output."""
    try:
        settings = settings_of(config)
        form, language = _form_of(wanted.form), _language_of(wanted.lang, settings)
        reports = await _reports(wanted, KeptReports(settings, surroundings()))
    except _EXPECTED as error:
        return complain(error)
    words = wording(language)
    sheets = [sheet_of(report, words, readable) for report in reports]
    text = written(sheets, words, form, is_one=wanted.change is not None)
    if wanted.output is None:
        sys.stdout.write(text)
    else:
        wanted.output.write_text(text, encoding="utf-8", newline="")
    return Exit.OK


async def _reports(wanted: Wanted, kept: KeptReports) -> tuple[Report, ...]:
    at = _moment(wanted.at)
    if wanted.change is not None and wanted.domain is None:
        report = await kept.of_change(wanted.change.upper(), at)
        if report is None:
            raise UsageFault(f"there is no change {wanted.change}: `changes` lists them")
        return (report,)
    if wanted.domain is None or wanted.change is not None:
        raise UsageFault("name one change with --change, or a domain with --domain")
    since = instant_of(wanted.since, "--since") if wanted.since else None
    until = instant_of(wanted.until, "--until") if wanted.until else None
    return await kept.of_span(Span(DomainName.parse(wanted.domain), since, until), at)


def _moment(written: str | None) -> datetime | None:
    if written == "now":
        return surroundings().clock.now()
    return instant_of(written, "--at") if written else None


def _form_of(written: str) -> Form:
    try:
        return Form.parse(written)
    except ValueError as error:
        raise UsageFault(f"--format: {error}") from error


def _language_of(written: str | None, settings: Settings) -> Language:
    known = {language.value: language for language in Language}
    if written is not None and written not in known:
        raise UsageFault(f"--lang: {written!r} is no language: one of {', '.join(known)}")
    return known[written] if written else language_of(settings)
