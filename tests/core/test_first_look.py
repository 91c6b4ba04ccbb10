from datetime import timedelta

from monitor.core.first_look import longest_look
from monitor.core.servers import Resolver

SLACK = timedelta(minutes=5)
QUICK = Resolver("quick", "127.0.0.1", max_qps=1000)
SLOW = Resolver("slow", "127.0.0.2", max_qps=2)


def test_a_look_may_last_as_long_as_the_slowest_pace_asks_for_and_a_while_longer() -> None:
    assert longest_look(0, [QUICK, SLOW], SLACK) == SLACK
    assert longest_look(100, [QUICK, SLOW], SLACK) == SLACK + timedelta(seconds=100)
    assert longest_look(100, [QUICK], SLACK) == SLACK + timedelta(seconds=0.2)
