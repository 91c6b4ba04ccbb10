"""TLS of the listener: its files are read anew when they changed, for the next connection."""

import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import structlog

log = structlog.get_logger()

Stamp: TypeAlias = tuple[int, int, int] | None


class BadTls(Exception):
    """TLS cannot be had as configured; the message names the key, the file and the remedy."""


@dataclass(frozen=True, slots=True)
class TlsTerms:
    """Certificate and key, what is asked of clients, and which names of theirs are welcome."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    client_auth: ssl.VerifyMode = ssl.CERT_NONE
    client_names: frozenset[str] = frozenset()
    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(file for file in (self.cert_file, self.key_file, self.client_ca_file) if file)


class Tls:
    """What a connection is encrypted with, as the files are now."""

    def __init__(self, terms: Callable[[], TlsTerms]) -> None:
        """Raises BadTls; later, what cannot be read leaves the connection with what was before."""
        self._terms = terms
        self._used = terms()
        self._stamps = stamps(self._used.files)
        self._context = context_of(self._used)

    @property
    def context(self) -> ssl.SSLContext:
        """A context for asyncio, which encrypts each new connection by the newest one."""
        return _Newest.of(self._newest)

    def welcomes(self, certificate: Mapping[str, Any] | None) -> bool:
        """True unless the client showed a certificate for other names than are welcome."""
        names = self._terms().client_names
        return not names or not certificate or not names.isdisjoint(names_in(certificate))

    def _newest(self) -> ssl.SSLContext:
        terms = self._terms()
        now = stamps(terms.files)
        if terms != self._used or now != self._stamps:
            self._used, self._stamps = terms, now
            try:
                self._context = context_of(terms)
                log.info("web.certificate_loaded", file=str(terms.cert_file))
            except BadTls as error:
                log.error("web.certificate_unusable", error=str(error))
        return self._context


class _Newest(ssl.SSLContext):
    """Stands for a context that changes: asyncio asks for a connection's state by `wrap_bio`."""

    _newest: Callable[[], ssl.SSLContext]

    @classmethod
    def of(cls, newest: Callable[[], ssl.SSLContext]) -> "_Newest":
        made = cls(ssl.PROTOCOL_TLS_SERVER)
        made._newest = newest
        return made

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        return self._newest().wrap_bio(*given, **named)


def context_of(terms: TlsTerms) -> ssl.SSLContext:
    """Return a context that has read the files. Raises BadTls."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = terms.min_version
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    for key, file in (("cert_file", terms.cert_file), ("key_file", terms.key_file)):
        _look_at(key, file)
    try:
        # A key that is encrypted must not make OpenSSL ask on the terminal.
        context.load_cert_chain(terms.cert_file, terms.key_file, password=lambda: b"")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise BadTls(_complaint(terms, error)) from error
    context.verify_mode = terms.client_auth
    if terms.client_ca_file is not None:
        _look_at("client_ca_file", terms.client_ca_file)
        try:
            context.load_verify_locations(terms.client_ca_file)
        except (ssl.SSLError, OSError) as error:
            raise BadTls(
                f"client_ca_file: {terms.client_ca_file} holds no certificate: write PEM"
            ) from error
    return context


def stamps(files: Iterable[Path]) -> tuple[Stamp, ...]:
    """Return what tells whether files are still the same; None of one that is not there."""
    return tuple(_stamp(file) for file in files)


def names_in(certificate: Mapping[str, Any]) -> frozenset[str]:
    """Return the alternative names of a certificate as `ssl` shows it, of whatever kind."""
    return frozenset(str(name) for _, name in certificate.get("subjectAltName", ()))


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _look_at(key: str, file: Path) -> None:
    """Read it once, since OpenSSL does not say which of its files it missed."""
    try:
        file.read_bytes()
    except OSError as error:
        raise BadTls(f"{key}: {file} cannot be read: {error.strerror}") from error


def _complaint(terms: TlsTerms, error: Exception) -> str:
    match getattr(error, "reason", None):
        case "KEY_VALUES_MISMATCH":
            return f"key_file: {terms.key_file} is not the key of {terms.cert_file}"
        case "NO_START_LINE" | "PEM_LIB" | None:
            hint = "write both in PEM, the key without a passphrase"
            return f"cert_file: {terms.cert_file} or its key {terms.key_file} is unusable: {hint}"
        case reason:
            return f"cert_file: {terms.cert_file} is unusable: {reason}"
