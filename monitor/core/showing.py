"""The last answers as evidence: for what time alone has told, and for faults."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from monitor.core.events import Event, EventType, evidence_of
from monitor.core.status import Fault
from monitor.core.views import View

_OF_AUTHORITIES = frozenset({Fault.AUTHORITY_SPLIT.value, Fault.TTL_HIGH.value})


def shown(event: Event, resolvers: Mapping[str, View], authorities: Mapping[str, View]) -> Event:
    """Return the event with the answers that bear it out, where it came without any."""
    if event.evidence:
        return event
    views = _views(event, resolvers, authorities)
    return replace(event, evidence=tuple(evidence_of(view.sighting) for view in views))


def _views(
    event: Event, resolvers: Mapping[str, View], authorities: Mapping[str, View]
) -> Iterator[View]:
    match event.type:
        case EventType.OVERSTAY:
            yield from _of(resolvers, (event.resolver or "",))
        case EventType.WINDOW_EXPIRED:
            late = event.data.get("late")
            yield from _of(resolvers, late if isinstance(late, Mapping) else ())
        case EventType.AUTHORITY_SPLIT if not {"owner", "view"} & event.data.keys():
            # Those of a later hop, or of one view, are not kept apart.
            yield from authorities.values()
        case EventType.FAULT if event.data.get("fault") in _OF_AUTHORITIES:
            yield from authorities.values()
        case EventType.FAULT if event.data.get("fault") == Fault.NOT_POINTING.value:
            # One of each meaning: mostly every resolver has the same one.
            each = {(v.verdict.kind, v.verdict.seen): v for _, v in resolvers.items()}
            yield from each.values()
        case _:
            return


def _of(views: Mapping[str, View], names: Iterable[str]) -> Iterator[View]:
    known = dict(views.items())  # all at once, where they have to be read
    yield from (known[name] for name in sorted(names) if name in known)
