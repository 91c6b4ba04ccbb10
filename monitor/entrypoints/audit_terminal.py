"""What was found in the audit log, for people at a terminal."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from monitor.core.tampering import Finding, Inspection
from monitor.usecases.replay import Replayed
from monitor.wording import Wording

_MOST_LINES = 20


class AuditTerminal:
    """Prints in one language to one console, and its progress to another."""

    def __init__(self, console: Console, wording: Wording, aside: Console) -> None:
        self._console, self._wording, self._aside = console, wording, aside

    def progress(self, doing: str = "looking") -> Progress:
        """Return a progress bar that is gone when it is done, and silent off a terminal."""
        return Progress(
            TextColumn(self._wording.audit(doing)),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._aside,
            transient=True,
            disable=not self._aside.is_terminal,
        )

    def show_inspection(self, inspection: Inspection) -> None:
        """Print whether the log is as it was written, what is wrong, and what nobody can know."""
        say = self._wording.audit
        if inspection.is_intact:
            self._print(say("intact", records=str(inspection.records)), "green")
        else:
            many = len(inspection.findings)
            self._print(say("tampered", records=str(inspection.records), many=str(many)), "red")
        for finding in inspection.findings[:_MOST_LINES]:
            self._print(f"  ✖ {self._told(finding)}", "red")
        if (more := len(inspection.findings) - _MOST_LINES) > 0:
            self._print(f"  {say('more', many=str(more))}", "red")
        if inspection.is_pruned:
            self._print(say("pruned", seq=str(inspection.base.seq)))
        self._print(say("head", head=inspection.head.text))
        if inspection.wanted is None:
            self._print(say("unknowable"), "dim")
        elif inspection.is_met:
            self._print(say("met"), "dim")

    def show_replayed(self, replayed: Replayed) -> None:
        """Print which verdicts would differ now, and what could not be judged again."""
        say, differing = self._wording.audit, replayed.differing
        many = {"judged": str(len(replayed.answers)), "many": str(len(differing))}
        style = "yellow" if differing else "green"
        self._print(say("differ" if differing else "same", **many), style)
        for answer in differing[:_MOST_LINES]:
            self._print(f"  #{answer.seq} {answer.at} {answer.domain.display} {answer.server}")
            before = f"{answer.kind} ({answer.rule or '?'})"
            now = f"{answer.verdict.kind.value} ({answer.verdict.rule.value})"
            self._print(f"    {before} → {now} {answer.verdict.seen}", "yellow")
        if (more := len(differing) - _MOST_LINES) > 0:
            self._print(f"  {say('more', many=str(more))}")
        for reason, count in sorted(replayed.unjudged.items(), key=lambda item: item[0].value):
            self._print(say(reason.value, many=str(count)), "dim")

    def _told(self, finding: Finding) -> str:
        until = finding.until or finding.seq
        key = "missing_one" if finding.until == finding.seq else finding.kind.value
        gaps = {"seq": str(finding.seq), "until": str(until), "change": finding.change or ""}
        return self._wording.audit(key, **gaps)

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style), soft_wrap=True)
