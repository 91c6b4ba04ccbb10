"""The certificate that an address serves for a domain, judged as a client judges it."""

import asyncio
import ssl
from datetime import UTC, datetime

from monitor.core.serving import CertificateSign, ServedCertificate

# Codes of X509_verify_cert in OpenSSL's x509_vfy.h; the ssl module has no names for them.
_SIGN_OF_CODE = {
    10: CertificateSign.EXPIRED,  # X509_V_ERR_CERT_HAS_EXPIRED
    62: CertificateSign.OTHER_NAME,  # X509_V_ERR_HOSTNAME_MISMATCH
}


async def served_certificate(
    address: str, port: int, host: str, context: ssl.SSLContext
) -> ServedCertificate:
    """Return what is served for the host. Raises OSError; who calls it limits the time."""
    try:
        _, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        sign = _SIGN_OF_CODE.get(error.verify_code, CertificateSign.UNTRUSTED)
        return ServedCertificate(sign, detail=error.verify_message)
    try:
        found = writer.get_extra_info("peercert") or {}
        return ServedCertificate(CertificateSign.VALID, _end(found.get("notAfter")))
    finally:
        writer.transport.abort()


def _end(written: str | None) -> datetime | None:
    if written is None:
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(written), UTC)
