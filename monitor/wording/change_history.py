"""The audit log's records of changes in words."""

from collections.abc import Mapping

from monitor.core.events import Event, EventType, Json
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.tracks import TrackState
from monitor.wording import Wording


def change_told(  # noqa: PLR0911  # one way out for each kind of record
    event: Event, words: Wording
) -> str:
    """Say what a record tells of a change."""
    data = event.data
    match event.type:
        case EventType.AUTHORITY_SPLIT:
            return "; ".join(f"{server}: {value}" for server, value in _part(data, "servers"))
        case EventType.AUTHORITY_AGREED:
            key = "change_bound_assumed" if data.get("bound_is_assumed") else "change_bound"
            return words.word(key).format(bound=_moment(data, "bound_at"))
        case EventType.CHANGE_EXPLAINED:
            lines = data.get("lines")
            named = [str(line) for line in lines] if isinstance(lines, list | tuple) else []
            edited_at = _moment(data, "edited_at")
            said = words.word("change_edited")
            return said.format(edited_at=edited_at, lines=", ".join(named))
        case EventType.CENSUS_DONE:
            told = {key: _text(data, key) for key in ("samples", "distinct", "caches")}
            return words.word("change_caches").format(resolver=event.resolver, **told)
        case EventType.TRACK_STATE | EventType.OVERSTAY | EventType.REGRESSED:
            return _moved(event, words)
        case EventType.CONVERGED | EventType.SETTLED | EventType.WINDOW_EXPIRED:
            return _arrived(data, words)
        case _:
            nothing = words.word("change_nothing")
            return f"{_text(data, 'old') or nothing} → {_text(data, 'new') or nothing}"


def _moved(event: Event, words: Wording) -> str:
    before = _state(_text(event.data, "from"), words)
    after = _state(_text(event.data, "to"), words)
    reason = _reason(event.data.get("reason"), words)
    moved = after if before == after else f"{before} → {after}"
    because = f"{words.word('full_stop')}{reason}" if reason else ""
    return f"{event.resolver}{words.word('colon')}{moved}{because}"


def _arrived(data: Mapping[str, Json], words: Wording) -> str:
    late = [
        f"{name} ({_reason(reason, words).rstrip('.。')})" if reason else name
        for name, reason in _part(data, "late")
    ]
    unverified = data.get("unverified")
    names = [str(name) for name in unverified] if isinstance(unverified, list | tuple) else []
    told = []
    if late:
        told.append(words.word("change_late").format(late=", ".join(late)))
    if names:
        told.append(words.word("change_unverified").format(unverified=", ".join(names)))
    return "; ".join(told) or words.word("change_everybody")


def _state(value: str, words: Wording) -> str:
    known = {state.value: state for state in TrackState}
    return words.track_state(known[value]) if value in known else value


def _reason(value: Json, words: Wording) -> str:
    known = {reason.value: reason for reason in Reason}
    return words.track_reason(known[value]) if isinstance(value, str) and value in known else ""


def _part(data: Mapping[str, Json], key: str) -> list[tuple[str, Json]]:
    part = data.get(key)
    return list(part.items()) if isinstance(part, Mapping) else []


def _moment(data: Mapping[str, Json], key: str) -> str:
    return _text(data, key)[:19].replace("T", " ")


def _text(data: Mapping[str, Json], key: str) -> str:
    value = data.get(key)
    return "" if value is None else str(value)
