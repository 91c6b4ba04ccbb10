from collections import Counter
from datetime import timedelta

from structlog.testing import capture_logs

from monitor.entrypoints.web.access import Reason, Refusal
from monitor.entrypoints.web.refusals import Refusals
from tests.fakes.clock import FakeClock

WRONG = Refusal(Reason.BAD_CREDENTIALS, "The name or the password is wrong.", "alice")


def test_each_is_counted_and_one_a_minute_is_logged() -> None:
    counted, clock = Counter[str](), FakeClock()
    refusals = Refusals(lambda reason: counted.update([reason]), clock.now)
    with capture_logs() as lines:
        for _ in range(5):
            refusals.tell(WRONG, "192.0.2.1", "/metrics")
        refusals.tell(Refusal(Reason.BAD_TOKEN, ""), "192.0.2.2")
        clock.advance(timedelta(minutes=1))
        refusals.tell(WRONG, "192.0.2.3", "/")
    assert counted == {"bad_credentials": 6, "bad_token": 1}
    assert [(line["reason"], line["client"], line.get("more_before")) for line in lines] == [
        ("bad_credentials", "192.0.2.1", None),
        ("bad_token", "192.0.2.2", None),
        ("bad_credentials", "192.0.2.3", 4),
    ]
    assert lines[0]["who"] == "alice"


def test_a_browser_that_has_not_asked_its_reader_yet_is_no_news() -> None:
    counted = Counter[str]()
    refusals = Refusals(lambda reason: counted.update([reason]), FakeClock().now)
    with capture_logs() as lines:
        refusals.tell(Refusal(Reason.NO_CREDENTIALS, ""), "192.0.2.1")
    assert (lines, counted) == ([], {"no_credentials": 1})
