"""How often Python looks for cycles among our objects, of which there are next to none.

What is known of domains is frozen values, which die with their last reference. By default they are
all looked at again and again while many are made, which takes half the time of a mass change.
"""

import gc

# Containers that are made before the youngest are looked at, and how many such looks it takes
# before the older ones are, and the oldest. What cycles hold meanwhile is a few megabytes.
_SELDOM = (20_000, 20, 20)


def collect_seldom() -> None:
    """Look seldom, and never again at what lives now."""
    gc.set_threshold(*_SELDOM)
    gc.collect()
    gc.freeze()
