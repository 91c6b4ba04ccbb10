"""Settings to who is told what, in which words."""

from collections.abc import Callable, Iterable, Iterator

from monitor.adapters.maintenance import Calendar, Once, Recurring, Window
from monitor.assembly.parts import round_policy_of
from monitor.config import Settings
from monitor.config.globs import any_of
from monitor.config.maintenance import Maintenance
from monitor.core.alert import Alert
from monitor.core.message import Message, NoticeSeverity
from monitor.core.notices.dispatch import Parcel
from monitor.core.notices.policy import NoticePolicy, Route
from monitor.core.state import State
from monitor.wording import Language, wording
from monitor.wording.alerts import alerts_of
from monitor.wording.notices import message_of

# No name of a channel can be this, since none has spaces.
_ALERTMANAGER = "alertmanager push"


def calendar_of(settings: Settings) -> Calendar:
    return Calendar(tuple(_window(given) for given in settings.maintenance))


def _window(given: Maintenance) -> Window:
    covers = any_of(given.domains)
    if given.cron is not None and given.duration is not None:
        return Recurring(covers, given.cron, given.duration)
    assert given.starts_at is not None, "the section insists on one of the two"
    assert given.until is not None, "so it does here"
    return Once(covers, given.starts_at, given.until)


def notice_policy_of(
    settings: Settings, calendar: Calendar, names: Iterable[str], *, has_push: bool = False
) -> NoticePolicy:
    """Return who is told of what; `names` are the channels that there are."""
    alerting, propagation = settings.alerting, settings.propagation
    there = frozenset(names)
    routes = tuple(
        Route(given.name, NoticeSeverity(given.severity.value), any_of(given.domains))
        for given in alerting.channels
        if given.name in there
    )
    if has_push:
        routes += (Route(_ALERTMANAGER, NoticeSeverity.WARNING, is_pushed=True),)
    return NoticePolicy(
        round_policy_of(settings).status,
        routes,
        quorum=alerting.quorum,
        remind=alerting.remind,
        hold_down=propagation.hold_down,
        split_after=propagation.split_alert_after,
        muted_until=calendar.muted_until,
    )


def pushed_of(settings: Settings) -> Callable[[State], Iterator[Alert]]:
    """Return what finds the alerts for Alertmanagers; their words are English, as their rules."""
    words, pages = wording(Language.ENGLISH), settings.daemon.external_url
    return lambda state: alerts_of(state, _ALERTMANAGER, words, pages)


def composer_of(settings: Settings) -> Callable[[str, Parcel], Message]:
    """Return who writes messages: each channel has its language."""
    words = {
        given.name: wording(Language(given.lang.value)) for given in settings.alerting.channels
    }
    pages = settings.daemon.external_url

    def compose(channel: str, parcel: Parcel) -> Message:
        return message_of(parcel, words[channel], pages)

    return compose
