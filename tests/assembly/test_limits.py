import pytest

from monitor.assembly.limits import refuse_unsafe, without_effect
from monitor.assembly.parts import NotAvailable
from monitor.config import parse


def test_the_defaults_are_all_in_force() -> None:
    assert without_effect(parse("", {})) == ()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[retention]\nobservations = "7d"', "retention.observations"),
    ],
)
def test_a_setting_that_nothing_acts_on_yet_is_named(text: str, key: str) -> None:
    assert without_effect(parse(text, {})) == (key,)


@pytest.mark.parametrize(
    "text",
    [
        '[propagation]\nwindow = "48h"\ncensus_min = 7',
        '[schedule]\nrecursive_interval = "off"\nauthority_fast_interval = "5s"',
        '[alerting]\nquorum = 0.6\nremind = "6h"',
        '[[alerting.channels]]\nname = "a"\nurl = { env = "X" }',
        '[alerting.alertmanager]\nurls = ["http://127.0.0.1:9093"]',
        '[daemon]\nexternal_url = "https://dns.example/"',
        '[[maintenance]]\ndomains = ["x.example"]\ncron = "0 3 * * *"\nduration = "1h"',
        "[http_check]\nenabled = true\ntls = true",
        '[retention]\nchanges = "90d"',
    ],
)
def test_what_is_acted_on_is_in_force(text: str) -> None:
    assert without_effect(parse(text, {})) == ()


def test_what_would_be_unsafe_to_pass_over_is_refused() -> None:
    with pytest.raises(NotAvailable):
        refuse_unsafe(parse('[distributed]\nnats_url = "nats://127.0.0.1:4222"', {}))
