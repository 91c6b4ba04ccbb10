"""What a scrape says, read again."""

from collections import Counter
from collections.abc import Callable, Iterable

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from monitor.entrypoints.metrics import StateMetrics
from monitor.entrypoints.series.writing import Encoder
from monitor.usecases.snapshot import Snapshot

Samples = Counter[tuple[str, float]]
Parser = Callable[[str], Iterable[Metric]]


def text_of(snapshot: Snapshot, encode: Encoder = generate_latest, limit: int = 10_000) -> str:
    return "".join(StateMetrics(lambda: snapshot, limit).pieces(encode))


def lines_of(text: str) -> Samples:
    """Return each sample with all that stands before its value."""
    lines = [line for line in text.split("\n") if line and not line.startswith("#")]
    return Counter((key, float(value)) for key, _, value in (ln.rpartition(" ") for ln in lines))


def families_of(text: str, parse: Parser = text_string_to_metric_families) -> dict[str, Metric]:
    families = list(parse(text))
    found = {family.name: family for family in families}
    assert len(found) == len(families), "a family's samples stand together"
    return found


def samples_of(family: Metric) -> dict[frozenset[tuple[str, str]], float]:
    found = {frozenset(sample.labels.items()): sample.value for sample in family.samples}
    assert len(found) == len(family.samples), "no series comes twice"
    return found
