"""Settings to who may reach the listener, read anew when one of their files changed."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from monitor.adapters.telemetry.counters import PrometheusTelemetry
from monitor.assembly.parts import NotAvailable, Surroundings
from monitor.config import ConfigError, Fault, SecretUnavailable, Settings, web_of
from monitor.config.secret import SecretInFile
from monitor.config.web import ClientAuth, TlsServer, TlsVersion, Web, WebToken
from monitor.entrypoints.web.access import Reason, Refusal, Rules, Scope, Token
from monitor.entrypoints.web.gate import Access
from monitor.entrypoints.web.passwords import Passwords
from monitor.entrypoints.web.refusals import Refusals
from monitor.entrypoints.web.tls import BadTls, Stamp, Tls, TlsTerms, context_of, stamps
from monitor.entrypoints.web.tokens import BadToken, TokenRing

log = structlog.get_logger()

_CLIENT_AUTH = {
    ClientAuth.NONE: ssl.CERT_NONE,
    ClientAuth.IF_GIVEN: ssl.CERT_OPTIONAL,
    ClientAuth.REQUIRED: ssl.CERT_REQUIRED,
}
_VERSION = {TlsVersion.TLS12: ssl.TLSVersion.TLSv1_2, TlsVersion.TLS13: ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True, slots=True)
class Permit:
    """What the settings and their files say at one time; `stamps` tells when they changed."""

    settings: Settings
    web: Web
    rules: Rules
    stamps: tuple[Stamp, ...]

    @property
    def tls(self) -> TlsTerms | None:
        given = self.web.tls_server_config
        return _terms_of(given) if given else None

    @property
    def files(self) -> tuple[Path, ...]:
        return (*_web_config_of(self.settings), *_token_files_of(self.web))


class WebAccess:
    """Who may reach the listener now."""

    def __init__(
        self, settings: Settings, around: Surroundings, telemetry: PrometheusTelemetry
    ) -> None:
        """Raises ConfigError or NotAvailable with what is wrong with the settings or a file."""
        self._around = around
        self._ring = TokenRing()
        refuse_unusable(settings)
        self._permit = self._read(settings, None, _refuse)
        self._tls_terms = self._permit.tls
        self._refusals = Refusals(telemetry.refused, around.clock.now)
        telemetry.expect_refusals(reason.value for reason in Reason)
        self.access = Access(self._rules, Passwords(), self._ring, self._refusals)
        self.tls = Tls(self._newest_terms) if self._tls_terms else None
        _warn_of_plain_text(self._permit)

    def prepared(self, settings: Settings) -> Permit:
        """Return what `take` takes. Raises ConfigError or NotAvailable."""
        refuse_unusable(settings)
        return self._read(settings, self._permit.web, _refuse)

    def take(self, permit: Permit) -> None:
        """Go on by other settings."""
        self._permit = permit
        _warn_of_plain_text(permit)

    def turned_away(self, client: str) -> None:
        """Hear of a client whose certificate is not welcome."""
        self._refusals.tell(Refusal(Reason.CLIENT_CERTIFICATE, ""), client)

    def _rules(self) -> Rules:
        return self._current().rules

    def _newest_terms(self) -> TlsTerms:
        self._tls_terms = self._current().tls or self._tls_terms
        assert self._tls_terms is not None  # asked only where there was TLS at the start
        return self._tls_terms

    def _current(self) -> Permit:
        permit = self._permit
        if (now := stamps(permit.files)) != permit.stamps:
            try:
                self.take(self._read(permit.settings, permit.web, _leave_out))
            except ConfigError as error:
                log.error("web.config_unusable", faults=tuple(str(error).splitlines()))
                self._permit = replace(permit, stamps=now)
        return self._permit

    def _read(
        self, settings: Settings, running: Web | None, on_fault: Callable[[str], None]
    ) -> Permit:
        """Raises ConfigError; of a token that cannot be used, `on_fault` hears."""
        before = stamps(_web_config_of(settings))
        web = _with_tls_of(running, web_of(settings))
        refuse_open(settings, web)
        before += stamps(_token_files_of(web))
        tokens = tuple(self._tokens(web, on_fault))
        return Permit(settings, web, _rules_of(settings, web, tokens), before)

    def _tokens(self, web: Web, on_fault: Callable[[str], None]) -> Iterator[Token]:
        for index, given in enumerate(web.tokens):
            try:
                yield self._token(given)
            except (SecretUnavailable, BadToken) as error:
                on_fault(f"web.tokens[{index}].token ({given.name}): {error}")

    def _token(self, given: WebToken) -> Token:
        text = self._around.secrets.learn(given.token.reveal(self._around.environ).strip())
        return self._ring.token(given.name, text, (Scope(one.value) for one in given.scopes))


def refuse_unusable(settings: Settings) -> None:
    """Refuse a listener that is open to strangers, or whose certificate cannot be used.

    Raises ConfigError or NotAvailable.
    """
    web = web_of(settings)
    refuse_open(settings, web)
    if web.tls_server_config is not None:
        try:
            context_of(_terms_of(web.tls_server_config))
        except BadTls as error:
            raise NotAvailable(f"web.tls_server_config.{error}") from error


def refuse_open(settings: Settings, web: Web) -> None:
    """Refuse to show everything to everybody, unless that is said. Raises ConfigError."""
    listen = settings.daemon.listen
    is_known = bool(web.basic_auth_users or web.tokens or _demands_certificates(web))
    if listen.is_loopback or is_known or web.allow_anonymous_read:
        return
    fault = Fault(
        "daemon.listen",
        f"is not on loopback ({listen}), and nobody has to say who they are",
        "add [web] basic_auth_users or [[web.tokens]], demand certificates of clients, or write "
        "allow_anonymous_read = true under [web]: docs/access.md",
    )
    raise ConfigError((fault,))


def _rules_of(settings: Settings, web: Web, tokens: tuple[Token, ...]) -> Rules:
    is_local = settings.daemon.listen.is_loopback
    names_somebody = bool(web.basic_auth_users or web.tokens)
    reached_at = urlsplit(settings.daemon.external_url or "").hostname
    is_open = not names_somebody and (is_local or _demands_certificates(web))
    return Rules(
        users={name: given.text for name, given in web.basic_auth_users.items()},
        tokens=tokens,
        knows_anybody=names_somebody,
        may_anybody_read=is_open or web.allow_anonymous_read,
        may_anybody_write=is_local and not names_somebody,
        hosts=frozenset(web.hosts) | ({reached_at} if reached_at else set()),
        only_hosts=bool(web.hosts),
        headers=web.http_server_config.headers,
    )


def _terms_of(given: TlsServer) -> TlsTerms:
    return TlsTerms(
        given.cert_file,
        given.key_file,
        given.client_ca_file,
        _CLIENT_AUTH[given.client_auth_type],
        frozenset(given.client_allowed_sans),
        _VERSION[given.min_version],
    )


def _with_tls_of(running: Web | None, wanted: Web) -> Web:
    """Return what is wanted; whether there is TLS stays as it is, and who is let in by that."""
    if running is None:
        return wanted
    used, asked = running.tls_server_config, wanted.tls_server_config
    if (used is None) == (asked is None):
        return wanted
    log.warning("config.restart_needed", key="web.tls_server_config")
    return wanted.model_copy(update={"tls_server_config": used})


def _demands_certificates(web: Web) -> bool:
    tls = web.tls_server_config
    return tls is not None and tls.client_auth_type is ClientAuth.REQUIRED


def _web_config_of(settings: Settings) -> tuple[Path, ...]:
    return (settings.daemon.web_config,) if settings.daemon.web_config else ()


def _token_files_of(web: Web) -> tuple[Path, ...]:
    return tuple(t.token.path for t in web.tokens if isinstance(t.token, SecretInFile))


def _warn_of_plain_text(permit: Permit) -> None:
    listen = permit.settings.daemon.listen
    if permit.rules.knows_anybody and permit.tls is None and not listen.is_loopback:
        log.warning("web.secrets_in_plain_text", listen=str(listen), remedy="tls_server_config")


def _refuse(fault: str) -> None:
    raise NotAvailable(fault)


def _leave_out(fault: str) -> None:
    log.error("web.token_unusable", fault=fault)
