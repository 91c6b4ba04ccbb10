"""What became of test messages, for people at a terminal."""

from collections.abc import Callable, Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.usecases.try_channels import Trial
from monitor.wording import Wording


class ChannelTerminal:
    """Prints in one language to one console; what services said, only as `masked` shows it."""

    def __init__(self, console: Console, wording: Wording, masked: Callable[[str], str]) -> None:
        self._console = console
        self._wording = wording
        self._masked = masked

    def show_trials(self, trials: Iterable[Trial]) -> None:
        """Print one line for each channel: what became of its message, why, and what to do."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("channel", "result", "why", "remedy"):
            table.add_column(self._wording.word(heading), overflow="fold")
        for trial in trials:
            table.add_row(Text(trial.channel), *self._cells(trial))
        self._console.print(table)

    def _cells(self, trial: Trial) -> tuple[Text, Text, Text]:
        failure = trial.failure
        if failure is None:
            return Text(f"✔ {self._wording.word('delivered')}", "green"), Text(), Text()
        return (
            Text(f"✖ {self._wording.delivery_failure(failure.reason)}", "red"),
            Text(self._masked(str(failure))),
            Text(self._wording.delivery_advice(failure.reason)),
        )
