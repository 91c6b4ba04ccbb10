"""TLS as clients meet it, over real sockets."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from structlog.testing import capture_logs

from monitor.entrypoints.web.app import create_app
from monitor.entrypoints.web.server import WebServer
from monitor.entrypoints.web.tls import BadTls, Tls, TlsTerms, context_of
from tests.entrypoints.web.worlds import site_of
from tests.servers.authorities import Issuer

GET = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Served:
    """A server, the terms that it was given, and whom it hung up on."""

    def __init__(self, terms: TlsTerms) -> None:
        self.terms = terms
        self.turned_away: list[str] = []
        self.port = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Served"]:
        tls = Tls(lambda: self.terms)
        app = create_app(site_of())
        server = WebServer(app, "127.0.0.1", 0, tls, self.turned_away.append)
        _, self.port = await server.start()
        try:
            yield self
        finally:
            await server.stop()

    async def ask(
        self, trusted: Path, change: Callable[[ssl.SSLContext], None] = lambda _: None
    ) -> tuple[bytes, str, str]:
        """Return what came back, the TLS version, and the serial number of the certificate."""
        context = ssl.create_default_context(cafile=trusted)
        change(context)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        shown = writer.get_extra_info("ssl_object")
        try:
            writer.write(GET)
            await writer.drain()
            return await reader.read(), shown.version(), shown.getpeercert()["serialNumber"]
        finally:
            writer.transport.abort()

    async def answers(
        self, trusted: Path, change: Callable[[ssl.SSLContext], None] = lambda _: None
    ) -> bool:
        """True unless the connection ends before anything comes back.

        TLS 1.3 tells a client that it is not welcome after its own handshake is done.
        """
        try:
            answer, _, _ = await self.ask(trusted, change)
        except (ssl.SSLError, ConnectionError):
            return False
        return answer.endswith(b"healthy\n")


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


def terms_of(file: Path) -> TlsTerms:
    return TlsTerms(file, file)


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_both_versions_are_spoken(issuer: Issuer, version: str) -> None:
    asked = ssl.TLSVersion[version.replace(".", "_")]

    def only(context: ssl.SSLContext) -> None:
        context.minimum_version = context.maximum_version = asked

    async with Served(terms_of(issuer.sign("web"))).running() as served:
        answer, spoken, _ = await served.ask(issuer.file, only)
    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"healthy\n")
    assert b"strict-transport-security" not in answer, "localhost has other services"
    assert spoken == version


async def test_an_old_version_is_refused_where_a_newer_one_is_demanded(issuer: Issuer) -> None:
    def old(context: ssl.SSLContext) -> None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2

    terms = replace(terms_of(issuer.sign("web")), min_version=ssl.TLSVersion.TLSv1_3)
    async with Served(terms).running() as served:
        assert not await served.answers(issuer.file, old)
        assert (await served.ask(issuer.file))[1] == "TLSv1.3"


async def test_a_new_certificate_serves_the_next_connection(issuer: Issuer) -> None:
    async with Served(terms_of(issuer.sign("web"))).running() as served:
        _, _, first = await served.ask(issuer.file)
        assert (await served.ask(issuer.file))[2] == first
        issuer.sign("web")
        _, _, second = await served.ask(issuer.file)
    assert first != second


async def test_a_connection_that_is_open_stays_while_the_certificate_is_renewed(
    issuer: Issuer,
) -> None:
    context = ssl.create_default_context(cafile=issuer.file)
    async with Served(terms_of(issuer.sign("web"))).running() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port, ssl=context)
        issuer.sign("web")
        await served.ask(issuer.file)
        writer.write(GET)
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.transport.abort()


async def test_half_a_rotation_keeps_the_old_certificate_and_says_so_once(
    issuer: Issuer, tmp_path: Path
) -> None:
    file = issuer.sign("web")
    key = tmp_path / "separate.key"
    key.write_bytes(file.read_bytes())
    async with Served(TlsTerms(file, key)).running() as served:
        _, _, first = await served.ask(issuer.file)
        issuer.sign("web")  # the key is still the old one
        with capture_logs() as lines:
            assert (await served.ask(issuer.file))[2] == first
            assert (await served.ask(issuer.file))[2] == first
        assert [line["event"] for line in lines] == ["web.certificate_unusable"]
        assert "is not the key of" in lines[0]["error"]
        key.write_bytes(file.read_bytes())
        assert (await served.ask(issuer.file))[2] != first


async def test_other_terms_hold_for_the_next_connection(issuer: Issuer) -> None:
    client = issuer.sign("client")
    async with Served(terms_of(issuer.sign("web"))).running() as served:
        assert await served.answers(issuer.file)
        served.terms = replace(
            served.terms, client_ca_file=issuer.file, client_auth=ssl.CERT_REQUIRED
        )
        assert not await served.answers(issuer.file)
        assert await served.answers(issuer.file, lambda c: c.load_cert_chain(client))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_clients_are_let_in_by_their_certificates(
    issuer: Issuer, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    (tmp_path / "other").mkdir()
    stranger = Issuer(tmp_path / "other").sign("client", ["prometheus.example.com"])
    known = issuer.sign("client", ["prometheus.example.com"])
    elsewhere = issuer.sign("elsewhere", ["grafana.example.com"])
    by_address = issuer.sign("address", ["192.0.2.7"])
    terms = replace(
        terms_of(issuer.sign("web")),
        client_ca_file=issuer.file,
        client_auth=ssl.CERT_REQUIRED,
        client_names=frozenset({"prometheus.example.com", "192.0.2.7"}),
    )

    async def is_let_in(client: Path | None) -> bool:
        def with_client(context: ssl.SSLContext) -> None:
            context.minimum_version = context.maximum_version = version
            if client is not None:
                context.load_cert_chain(client)

        return await served.answers(issuer.file, with_client)

    async with Served(terms).running() as served:
        assert await is_let_in(known)
        assert await is_let_in(by_address)
        assert not await is_let_in(None)
        assert not await is_let_in(stranger)
        assert not served.turned_away, "those fail in the handshake"
        assert not await is_let_in(elsewhere)
        assert served.turned_away == ["127.0.0.1"]


async def test_a_certificate_may_be_left_out_where_it_is_only_verified_if_given(
    issuer: Issuer, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    stranger = Issuer(tmp_path / "other").sign("client")
    terms = replace(
        terms_of(issuer.sign("web")), client_ca_file=issuer.file, client_auth=ssl.CERT_OPTIONAL
    )
    async with Served(terms).running() as served:
        assert await served.answers(issuer.file)
        assert not await served.answers(issuer.file, lambda c: c.load_cert_chain(stranger))


async def test_who_speaks_no_tls_or_says_nothing_holds_nobody_up(issuer: Issuer) -> None:
    async with Served(terms_of(issuer.sign("web"))).running() as served:
        _, silent = await asyncio.open_connection("127.0.0.1", served.port)
        reader, plain = await asyncio.open_connection("127.0.0.1", served.port)
        plain.write(GET)
        assert b"HTTP" not in await reader.read()
        assert await served.answers(issuer.file)
        silent.close()
        plain.close()


def test_files_that_cannot_be_used_are_named_with_what_to_do(
    issuer: Issuer, tmp_path: Path
) -> None:
    good, nowhere, odd = issuer.sign("web"), tmp_path / "nowhere.pem", tmp_path / "odd.pem"
    odd.write_text("no certificate")
    other = issuer.sign("other")
    locked = tmp_path / "locked.key"
    locked.write_bytes(_locked())
    for terms, part in (
        (TlsTerms(nowhere, good), "cert_file: .*nowhere.pem cannot be read: No such file"),
        (TlsTerms(good, nowhere), "key_file: .*nowhere.pem cannot be read: No such file"),
        (TlsTerms(odd, good), "cert_file: .*odd.pem or its key .* is unusable: write both in PEM"),
        (TlsTerms(good, odd), "is unusable: write both in PEM"),
        (TlsTerms(good, other), "key_file: .*other.pem is not the key of .*web.pem"),
        (TlsTerms(good, locked), "the key without a passphrase"),
        (
            TlsTerms(good, good, nowhere, ssl.CERT_REQUIRED),
            "client_ca_file: .*nowhere.pem cannot",
        ),
        (
            TlsTerms(good, good, odd, ssl.CERT_REQUIRED),
            "client_ca_file: .*odd.pem holds no",
        ),
    ):
        with pytest.raises(BadTls, match=part):
            context_of(terms)


def _locked() -> bytes:
    """Return a private key that a passphrase protects."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    pem = trustme.CA().private_key_pem.bytes()
    key = serialization.load_pem_private_key(pem, None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
