"""What the configuration may say, but this release does not do."""

from monitor.assembly.parts import NotAvailable
from monitor.config import Settings


def refuse_unsafe(settings: Settings) -> None:
    """Refuse what must not be passed over in silence. Raises NotAvailable."""
    if settings.distributed is not None:
        raise NotAvailable("[distributed]: this release asks from one vantage point only")


# Sections and keys that later releases act on; all else in these sections is in force.
_LATER = {
    "retention": {"observations"},  # answers are kept as evidence of records, and only with them
}


def without_effect(settings: Settings) -> tuple[str, ...]:
    """Return the keys that are given other than by default, and not acted on in this release."""
    defaults, found = Settings(), list[str]()
    for section, keys in _LATER.items():
        given, usual = getattr(settings, section), getattr(defaults, section)
        changed = (key for key in sorted(keys) if getattr(given, key) != getattr(usual, key))
        found += [f"{section}.{key}" for key in changed]
    return tuple(found)
