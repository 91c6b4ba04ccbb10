"""Changes as Prometheus sees them: one of a domain at a time, the one that matters most."""

from collections.abc import Iterator

from monitor.core.tracking.changes import Change
from monitor.core.tracking.tracks import Track, TrackState
from monitor.entrypoints.series.labels import escaped
from monitor.entrypoints.series.survey import Batch, Survey
from monitor.entrypoints.series.writing import Family


def _state(name: str, survey: Survey) -> Iterator[str]:
    for batch in survey.batches:
        yield "".join(
            [
                f'{name}{{domain="{domain}",state="{change.state.value}"}} 1\n'
                for domain, change in _shown(batch)
            ]
        )


def _instant(key: str, promise: str) -> Family:
    def parts(name: str, survey: Survey) -> Iterator[str]:
        for batch in survey.batches:
            yield "".join(
                [
                    f'{name}{{domain="{seen.name}"}} {at.timestamp()}\n'
                    for seen in batch
                    if (at := seen.instants.get(key))
                ]
            )

    return Family(f"oss_cname_change_{key}_timestamp_seconds", promise, parts)


def _track_etas(name: str, survey: Survey) -> Iterator[str]:
    for batch in survey.batches:
        yield "".join(
            [
                f'{name}{{domain="{domain}",resolver="{escaped(resolver)}"}} {eta.timestamp()}\n'
                for domain, change in _shown(batch)
                if change.is_watched(survey.snapshot.at)
                for resolver, track in change.tracks.items()
                if not track.state.has_converged and (eta := change.eta_of(track))
            ]
        )


def _tracks(name: str, survey: Survey) -> Iterator[str]:
    ends = {state: f'",state="{state.value}"}} 1\n' for state in TrackState}
    for batch in survey.batches:
        yield "".join(
            [
                f'{name}{{domain="{domain}",resolver="{escaped(resolver)}{ends[track.state]}'
                for domain, resolver, track in _unsettled(batch, survey)
            ]
        )


def _reasons(name: str, survey: Survey) -> Iterator[str]:
    for batch in survey.batches:
        yield "".join(
            [
                f'{name}{{domain="{domain}",reason="{track.reason.value}",'
                f'resolver="{escaped(resolver)}"}} 1\n'
                for domain, resolver, track in _unsettled(batch, survey)
                if track.reason is not None
            ]
        )


def _unsettled(batch: Batch, survey: Survey) -> Iterator[tuple[str, str, Track]]:
    for domain, change in _shown(batch):
        if change.is_watched(survey.snapshot.at):
            for resolver, track in change.tracks.items():
                if track.state is not TrackState.SETTLED:
                    yield domain, resolver, track


def _shown(batch: Batch) -> Iterator[tuple[str, Change]]:
    for seen in batch:
        if seen.change is not None and seen.instants:
            yield seen.name, seen.change


CHANGES = (
    Family("oss_cname_change_state", "1 for where the change stands.", _state),
    _instant("detected", "When the change was first seen at an authority."),
    _instant("eta", "When the last old copy that is known expires, or did."),
    _instant("bound", "When every cache that keeps to the TTL has forgotten the old value."),
    _instant("deadline", "When the window of the change is over."),
    Family(
        "oss_cname_track_eta_timestamp_seconds",
        "When the last old copy that is known of the resolver expires, or did.",
        _track_etas,
    ),
    Family(
        "oss_cname_track_state",
        "1 for where a resolver stands in the change, unless it has settled.",
        _tracks,
    ),
    Family(
        "oss_cname_track_reason",
        "1 for why a resolver still has the old value, unless it has settled.",
        _reasons,
    ),
)
