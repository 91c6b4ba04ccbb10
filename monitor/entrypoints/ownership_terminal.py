"""Who sees the proof of a domain's owner, for people at a terminal."""

from collections.abc import Iterable
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.core.ownership import CnameToken, Proof, Sight, Sights
from monitor.entrypoints.instants import instant
from monitor.wording import PROOF_SHAPE, Wording

_STYLE = {
    Proof.VISIBLE: "green",
    Proof.OTHER_VALUE: "red",
    Proof.ABSENT: "red",
    Proof.UNKNOWN: "magenta",
}


class OwnershipTerminal:
    """Prints in one language to one console."""

    def __init__(self, console: Console, wording: Wording) -> None:
        self._console = console
        self._wording = wording

    def show(self, sights: Sights) -> None:
        """Print the record to add, who sees it, and until when others may not."""
        self._console.print(Text(self._wording.word("proof_add"), style="bold"))
        self._console.print(self._record(sights))
        if sights.token.expires_at is not None:
            self._say("proof_expires", until=sights.token.expires_at)
        self._console.print()
        self._console.print(self._matrix(sights))
        self._console.print()
        self._console.print(self.line(sights), soft_wrap=True)
        for note in self._notes(sights):
            self._console.print(note, soft_wrap=True)

    def line(self, sights: Sights) -> Text:
        """Say in one line how it stands."""
        word, answering = self._wording.word, sights.answering
        if not answering:
            return Text(word("proof_nobody"), style="magenta")
        if sights.is_visible:
            return Text(word("proof_everywhere").format(count=len(answering)), style="green")
        seen = sum(sight.proof is Proof.VISIBLE for sight in answering)
        text = word("proof_not_yet").format(seen=seen, answering=len(answering))
        return Text(text, style="yellow")

    def _record(self, sights: Sights) -> Table:
        word, token = self._wording.word, sights.token
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row(word("proof_name"), token.owner.text)
        if sights.zone is not None:
            table.add_row(word("proof_host"), f"{token.host_in(sights.zone)} ({sights.zone})")
        table.add_row(word("proof_type"), "TXT")
        table.add_row(word("value"), token.value)
        table.add_row(word("bucket"), _place(token))
        return table

    def _matrix(self, sights: Sights) -> Table:
        word = self._wording.word
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("proof_server", "proof_sees", "value", "proof_no_until"):
            table.add_column(word(heading), overflow="fold")
        self._add(table, word("authority"), sights.authorities)
        self._add(table, word("resolver"), sights.resolvers)
        return table

    def _add(self, table: Table, role: str, sights: Iterable[Sight]) -> None:
        for sight in sights:
            proof = f"{PROOF_SHAPE[sight.proof]} {self._wording.proof(sight.proof)}"
            values = ", ".join(sight.values) if sight.proof is Proof.OTHER_VALUE else ""
            until = instant(sight.kept_until) if sight.kept_until else ""
            server = Text.assemble((f"{role} ", "dim"), sight.server)
            table.add_row(server, Text(proof, style=_STYLE[sight.proof]), Text(values), until)

    def _notes(self, sights: Sights) -> Iterable[Text]:
        word = self._wording.word
        if not sights.resolvers:
            yield Text(word("proof_not_asked"))
        elif sights.kept_until is not None:
            yield Text(word("proof_kept_until").format(until=instant(sights.kept_until)))
        if not sights.is_visible:
            yield Text(word("proof_is_new"), style="dim")

    def _say(self, key: str, until: datetime) -> None:
        self._console.print(
            Text(self._wording.word(key).format(until=instant(until)), style="dim"), soft_wrap=True
        )


def _place(token: CnameToken) -> str:
    return f"{token.bucket} ({token.account})"
