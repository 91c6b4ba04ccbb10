"""What went wrong with a delivery, in the port's closed set of reasons."""

from http import HTTPStatus

import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError

from monitor.ports import DeliveryFailure, NotDelivered

_OF_STATUS: dict[int, DeliveryFailure] = {
    HTTPStatus.UNAUTHORIZED: DeliveryFailure.CREDENTIALS,
    HTTPStatus.FORBIDDEN: DeliveryFailure.CREDENTIALS,
    HTTPStatus.REQUEST_TIMEOUT: DeliveryFailure.TIMEOUT,
    HTTPStatus.TOO_EARLY: DeliveryFailure.REFUSED,
    HTTPStatus.TOO_MANY_REQUESTS: DeliveryFailure.RATE_LIMITED,
}
_MAY_PASS = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
_LONGEST_WAIT = 6  # digits of a Retry-After that is repeated


def refusal_of(status: int, retry_after: str = "") -> NotDelivered | None:
    """Return what an HTTP status says against a delivery; None where it was taken."""
    if 200 <= status < 300:
        return None
    # A redirect is not followed: it would carry the message to where nobody meant it to go.
    reason = _OF_STATUS.get(status, DeliveryFailure.REFUSED)
    text = f"the service answered with status {status}"
    if retry_after.isdigit() and len(retry_after) <= _LONGEST_WAIT:
        text += f" and asks for {retry_after} s of patience"
    return NotDelivered(reason, text, is_permanent=status < 500 and status not in _MAY_PASS)


def failure_of(error: OSError, host: str) -> NotDelivered:
    """Return why no answer came; the error's own words hold the URL, and are not repeated."""
    match error:
        case requests.exceptions.SSLError():
            return untrusted(host)
        case requests.Timeout():
            return timed_out(host)
        case requests.ConnectionError():
            return unlocated(host) if _is_of_name(error) else unconnected(host)
        case _:
            return NotDelivered(
                DeliveryFailure.OTHER, f"nothing could be sent to {host}: {type(error).__name__}"
            )


def unlocated(host: str) -> NotDelivered:
    return NotDelivered(DeliveryFailure.UNREACHABLE, f"no address was found for {host}")


def unconnected(host: str) -> NotDelivered:
    return NotDelivered(DeliveryFailure.UNREACHABLE, f"no connection to {host}")


def untrusted(host: str) -> NotDelivered:
    text = f"no TLS with {host}: its certificate is not trusted, or it speaks no TLS there"
    return NotDelivered(DeliveryFailure.UNREACHABLE, text)


def timed_out(host: str) -> NotDelivered:
    return NotDelivered(DeliveryFailure.TIMEOUT, f"{host} did not answer in time")


def _is_of_name(error: requests.ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NameResolutionError)
