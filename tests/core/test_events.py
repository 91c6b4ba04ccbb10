import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.events import GENESIS, Event, Record, canonical, evidence_of, seal
from tests.contracts.values import EVENTS
from tests.core.samples import RIGHT, SILENT, TARGET, sighting


@given(EVENTS, st.integers(1, 2**53), st.sampled_from([GENESIS, "f" * 64]))
def test_what_is_sealed_is_the_whole_record_as_one_text(
    event: Event, seq: int, prev_hash: str
) -> None:
    content = {
        "seq": seq,
        "at": event.at.isoformat(),
        "type": event.type.value,
        "domain": event.domain.text if event.domain else None,
        "resolver": event.resolver,
        "change": event.change,
        "data": event.data,
        "evidence": event.evidence,
        "prev_hash": prev_hash,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert seal(event, seq, prev_hash) == Record(seq, event, prev_hash, digest)
    assert seal(event, seq, prev_hash, canonical(event.evidence)).hash == digest


def test_evidence_holds_the_answer_as_it_came() -> None:
    evidence = evidence_of(sighting("alidns", RIGHT))
    assert evidence["resolver"] == "alidns"
    assert evidence["wire"] == "AHdpcmU="
    assert evidence["verdict"] == "in_effect"
    assert (evidence["rule"], evidence["seen"]) == ("exact-target", TARGET.name.text)
    silent = evidence_of(sighting("dead", SILENT))
    assert (silent["verdict"], silent["nsid"], silent["ede"]) == ("timeout", None, ())
