"""How seldom the garbage collector looks at what lasts."""

import gc

# Containers that are made before the youngest are looked at for cycles, and how many such looks
# it takes before the older ones are, and the oldest. What is known of domains is frozen values,
# which die with their last reference: by default they are looked at again and again while many
# are made, which is half the time of a mass change. What cycles hold meanwhile is little.
_SELDOM = (20_000, 20, 20)


def spare_from_collection() -> None:
    """Have the garbage collector leave what lasts alone: a look at it all is a long pause."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SELDOM)
