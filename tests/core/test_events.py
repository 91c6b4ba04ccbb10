from monitor.core.events import evidence_of
from tests.core.samples import RIGHT, SILENT, TARGET, sighting


def test_evidence_holds_the_answer_as_it_came() -> None:
    evidence = evidence_of(sighting("alidns", RIGHT))
    assert evidence["resolver"] == "alidns"
    assert evidence["wire"] == "AHdpcmU="
    assert evidence["verdict"] == "in_effect"
    assert (evidence["rule"], evidence["seen"]) == ("exact-target", TARGET.name.text)
    silent = evidence_of(sighting("dead", SILENT))
    assert (silent["verdict"], silent["nsid"], silent["ede"]) == ("timeout", None, ())
