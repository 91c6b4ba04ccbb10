"""The embedded world, whatever its pace."""

import pytest

from monitor.adapters.clock import SystemClock
from monitor.config import parse
from monitor.demo.world import Pace, World


@pytest.mark.parametrize("speed", [0.1, 1.0, 3.0, 7.3, 30.0, 100.0])
async def test_the_configuration_of_a_world_has_no_faults_at_any_speed(speed: float) -> None:
    pace = Pace.at(speed)
    async with World(pace, SystemClock().now) as world:
        text, environ = world.config_text("127.0.0.1:9953", "x.db"), world.environ
    settings = parse(text, environ, "the demo")
    asked = settings.schedule.authority_interval.total_seconds()
    assert asked == pytest.approx(pace.authority_interval, abs=1e-6)
