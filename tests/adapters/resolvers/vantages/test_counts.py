from datetime import timedelta

from monitor.adapters.resolvers.vantages.worker import _NOTHING, _Counts
from monitor.core.servers import Resolver

ISP, OTHER = Resolver("isp", "127.0.0.1"), Resolver("other", "127.0.0.2")


def test_datagrams_that_answered_nothing_are_told_with_what_the_next_sweep_counts() -> None:
    counts = _Counts()
    counts.unmatched(ISP, late=1, stray=2)
    counts.swept(ISP, _NOTHING)
    counts.unmatched(ISP, late=0, stray=3)
    isp, other = counts.taken((ISP, OTHER))
    assert (isp.late, isp.stray, isp.rtt_total) == (1, 5, timedelta())
    assert (other.late, other.stray) == (0, 0)
    assert counts.taken((ISP,)) == (_NOTHING,), "once"
