"""All monitors that are compared; to take part, add one entry."""

from functools import partial

from tests.simulation.monitors import BoundOnly, EqualAnswers
from tests.simulation.run import Factory
from tests.simulation.tracker import Tracker

TRACKER = "tracker"

MONITORS: dict[str, Factory] = {
    "naive 60 s, first NEW": partial(EqualAnswers, every=60, needed=1),
    "naive 300 s, first NEW": partial(EqualAnswers, every=300, needed=1),
    "naive 900 s, first NEW": partial(EqualAnswers, every=900, needed=1),
    "naive 60 s, 3 equal": partial(EqualAnswers, every=60, needed=3),
    "naive 300 s, 3 equal": partial(EqualAnswers, every=300, needed=3),
    "naive 900 s, 3 equal": partial(EqualAnswers, every=900, needed=3),
    "naive 60 s, 10 equal": partial(EqualAnswers, every=60, needed=10),
    "naive 300 s, 12 equal": partial(EqualAnswers, every=300, needed=12),
    "bound only": BoundOnly,
    TRACKER: Tracker,
    "tracker, after the bound": partial(Tracker, until_bound=True),
}
