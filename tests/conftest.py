"""What all tests share."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.servers.fixtures"]

# How fast a busy machine draws is no fault of what is tested.
SLOW = (HealthCheck.too_slow,)
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=SLOW)
settings.register_profile("home", deadline=None, suppress_health_check=SLOW)
settings.load_profile("ci" if os.environ.get("CI") else "home")
