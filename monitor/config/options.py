"""What options of commands hold, by the rules that the keys of the configuration have."""

from pydantic_core import PydanticCustomError

from monitor.config.faults import ConfigError, Fault
from monitor.config.fields import parse_web_url


def url_of_option(option: str, written: str) -> str:
    """Return an http(s) URL without a final slash.

    Raises ConfigError, which repeats nothing that may be a password.
    """
    # Also behind the host: where a password has a slash in it, that is where the rest of it is.
    if "@" in written:
        raise _fault(
            option, "must not hold a user or a password", "leave out what stands before the @"
        )
    if "?" in written or "#" in written:
        raise _fault(option, "must not hold a query", "leave out what stands behind the host")
    try:
        return parse_web_url(written)
    except PydanticCustomError as error:
        told = error.context or {}
        raise _fault(option, told["message"], told["hint"]) from None


def _fault(option: str, message: str, hint: str) -> ConfigError:
    return ConfigError((Fault(option, message, hint),))
