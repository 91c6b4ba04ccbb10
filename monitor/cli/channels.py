"""`channels test`: one message to each channel, and what became of it."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from monitor.assembly.notifying import channels_of
from monitor.assembly.parts import NotAvailable
from monitor.cli.configuring import complain, settings_of
from monitor.cli.exit_codes import Exit
from monitor.cli.speaking import UsageFault, language_of, surroundings
from monitor.config import ConfigError, Settings
from monitor.config.alerting import Channel
from monitor.core.message import Message, NoticeSeverity
from monitor.entrypoints.channel_terminal import ChannelTerminal
from monitor.ports import Clock
from monitor.usecases.try_channels import try_channels
from monitor.wording import Language, wording


async def run_test(only: str | None, file: Path | None) -> Exit:
    around = surroundings()
    try:
        settings = settings_of(file)
        channels = _wanted(settings, only)
        notifiers = channels_of(settings, around, only)
    except (ConfigError, NotAvailable, UsageFault) as error:
        return complain(error)
    messages = [_message(channel, around.clock) for channel in channels]
    trials = await try_channels(zip(notifiers, messages, strict=True))
    words = wording(language_of(settings))
    ChannelTerminal(Console(), words, around.secrets.masked).show_trials(trials)
    return Exit.WARNING if any(trial.failure for trial in trials) else Exit.OK


def _wanted(settings: Settings, name: str | None) -> Sequence[Channel]:
    """Return the channels that are meant. Raises UsageFault."""
    channels = settings.alerting.channels
    if not channels:
        raise UsageFault(
            "no channel is configured: write [[alerting.channels]], as docs/channels.md shows, in "
            "the configuration that -c names"
        )
    wanted = [channel for channel in channels if name in {None, channel.name}]
    if not wanted:
        known = ", ".join(channel.name for channel in channels)
        raise UsageFault(f"there is no channel {name}: those configured are {known}")
    return wanted


def _message(channel: Channel, clock: Clock) -> Message:
    words, now = wording(Language(channel.lang.value)), clock.now()
    return Message(
        key=f"test/{channel.name}/{now.isoformat()}",
        title=words.word("test_title"),
        body=words.word("test_body").format(channel=channel.name),
        severity=NoticeSeverity.INFO,
        is_over=False,
        at=now,
    )
