"""The snapshot as Prometheus sees it, made anew at each scrape: what is gone leaves no series."""

from collections.abc import Callable, Iterator

import structlog

from monitor.entrypoints.series.changes import CHANGES
from monitor.entrypoints.series.domains import DOMAINS
from monitor.entrypoints.series.doors import Past
from monitor.entrypoints.series.pairs import PAIRS
from monitor.entrypoints.series.survey import Survey, survey_of
from monitor.entrypoints.series.whole import WHOLE
from monitor.entrypoints.series.writing import Encoder, written
from monitor.usecases.snapshot import Snapshot

log = structlog.get_logger()


class StateMetrics:
    """Writes the metrics of domains, resolvers and accounts.

    No label holds text from the network: names come from the configuration and the OSS API.
    Above `max_pairs` pairs of domain and resolver no pair has series of its own: a part of them
    would look like the whole.
    """

    def __init__(self, snapshot: Callable[[], Snapshot], max_pairs: int) -> None:
        self._snapshot = snapshot
        self._max_pairs = max_pairs
        self._is_over_limit = False
        self._past: Past = {}

    def pieces(self, encode: Encoder) -> Iterator[str]:
        """Yield the text of one scrape, as the encoder's format wants it, in small pieces.

        All are of one moment. Each costs a few milliseconds, so that other work can go on between
        them; some are empty, for what has to be known first. The end that OpenMetrics wants is
        not among them.
        """
        survey = yield from survey_of(self._snapshot(), self._max_pairs, self._past)
        self._past = survey.past
        self._note(survey)
        pairs = () if survey.is_over_limit else PAIRS
        for family in (*WHOLE, *DOMAINS, *CHANGES, *pairs):
            yield from written(family, encode, survey)
        yield from survey.forgotten()

    def _note(self, survey: Survey) -> None:
        """Log when series begin and cease to be left out; nothing where none were wanted."""
        if survey.is_over_limit is self._is_over_limit or not self._max_pairs:
            return
        self._is_over_limit = survey.is_over_limit
        counts = {"pairs": survey.pairs, "limit": self._max_pairs}
        if survey.is_over_limit:
            log.warning("metrics.pairs_left_out", **counts)
        else:
            log.info("metrics.pairs_shown_again", **counts)
