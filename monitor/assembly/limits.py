"""What the configuration may say, but this release does not do."""

from monitor.assembly.parts import NotAvailable
from monitor.config import Settings


def refuse_unsafe(settings: Settings) -> None:
    """Refuse what must not be passed over in silence. Raises NotAvailable."""
    if settings.daemon.web_config is not None:
        raise NotAvailable(
            "daemon.web_config: this release has no TLS and no passwords of its own; listen on "
            "127.0.0.1 and put a proxy in front"
        )
    if settings.distributed is not None:
        raise NotAvailable("[distributed]: this release asks from one vantage point only")


def without_effect(settings: Settings) -> tuple[str, ...]:
    """Return the keys that are given, understood, and not acted on in this release."""
    alerting = settings.alerting
    given = {
        "alerting.channels": bool(alerting.channels),
        "alerting.alertmanager": bool(alerting.alertmanager.urls),
        "maintenance": bool(settings.maintenance),
        "http_check.enabled": settings.http_check.enabled,
        "accounts.alidns": any(account.alidns for account in settings.accounts),
        "schedule.recursive_interval": settings.schedule.recursive_interval is None,
    }
    return tuple(key for key, is_given in given.items() if is_given)
