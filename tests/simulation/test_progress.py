from functools import partial

from tests.simulation.kinds import Kind
from tests.simulation.monitors import EqualAnswers
from tests.simulation.progress import follow
from tests.simulation.samples import AsksAt

NAIVE = partial(EqualAnswers, every=300, needed=3)


def test_the_curve_ends_with_everybody_told_new_when_the_truth_says_so() -> None:
    for seed in range(12):
        curve = follow(seed, NAIVE, "a pool", Kind.POOL)
        shares = [share for at, share in curve.truth if at > curve.done_at]
        assert set(shares) == {1.0}
        assert any(share < 1 for at, share in curve.truth if at < curve.done_at)


def test_a_naive_poller_sees_all_or_nothing() -> None:
    curve = follow(3, NAIVE, "a pool", Kind.POOL)
    assert {share for _, share in curve.believed} <= {0.0, 1.0}
    assert curve.eta is None
    assert curve.bound is None


def test_who_asks_nothing_believes_nothing() -> None:
    assert follow(0, lambda _: AsksAt([]), "nobody", Kind.SINGLE).believed == []
