"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.servers.fixtures"]

# How fast a busy machine draws is no fault of what is tested.
SLOW = (HealthCheck.too_slow,)
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=SLOW)
settings.register_profile("home", deadline=None, suppress_health_check=SLOW)
settings.load_profile("ci" if os.environ.get("CI") else "home")

# More would not end sooner: the longest story takes over a minute whoever plays beside it.
MOST_PROCESSES = 8
HERE = Path(__file__).parent
# They mostly wait: for caches to forget, for processes to start.
LONG = (
    "whole",
    "chaos",
    "browser",
    "dashboards",
    "cli",
    "servers",
    "packaging",
    "test_benchmarks.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes share the tests with `-n auto`: two a core, since much waits."""
    return min(MOST_PROCESSES, 2 * (os.cpu_count() or 1))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long ones, so that no process is left alone with them at the end."""
    items.sort(key=lambda item: _turn(item.path))


def _turn(path: Path) -> int:
    part, *_ = path.relative_to(HERE).parts
    return LONG.index(part) if part in LONG else len(LONG)
