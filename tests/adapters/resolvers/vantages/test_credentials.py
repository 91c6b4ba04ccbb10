"""The shipped configuration of the broker: who may do what, over TLS."""

import asyncio
import ssl
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import nats
import nats.errors
import nats.js.errors
import pytest
from nats.aio.client import Client

from monitor.adapters.resolvers.vantages.broker import BrokerAddress
from monitor.adapters.resolvers.vantages.parcels import (
    AS_IT_CAME,
    Beat,
    Parcel,
    Told,
    beat_to_wire,
    parcel_to_wires,
)
from monitor.adapters.resolvers.vantages.said import Said
from monitor.adapters.resolvers.watchlist import STRIDE
from monitor.core.answers import Answer, NoAnswer, NoAnswerReason, Question
from monitor.core.servers import Resolver
from tests.adapters.resolvers.scripted import HOST, scripted
from tests.adapters.resolvers.vantages.distributed import office, true_soon, worker
from tests.contracts.sweeper_contract import IMG, RIGHT
from tests.contracts.test_sweepers import Told as Script
from tests.servers.certificates import Certificate
from tests.servers.endpoints import free_endpoint
from tests.servers.installed import require
from tests.servers.nats import is_ready
from tests.servers.process import home, running

SHIPPED = Path(__file__).parents[4] / "packaging/nats/nats.conf"
PASSWORDS = {"COORDINATOR": "c-secret-c", "NORTH": "n-secret-n", "SOUTH": "s-secret-s"}


@dataclass(frozen=True, slots=True)
class Guarded:
    """The broker with the shipped configuration, but for its addresses, files and passwords."""

    url: str
    ca_file: Path

    def address(self, user: str) -> BrokerAddress:
        login = f"{user}:{PASSWORDS[user.upper()]}"
        return BrokerAddress(self.url, login, str(self.ca_file))

    async def client(self, user: str, inbox: str, denied: list[str]) -> Client:
        async def note(error: Exception) -> None:
            denied.append(str(error))

        return await nats.connect(
            self.url,
            user=user,
            password=PASSWORDS[user.upper()],
            tls=ssl.create_default_context(cafile=str(self.ca_file)),
            inbox_prefix=inbox,
            error_cb=note,
        )


@pytest.fixture(scope="module")
def guarded(dns_certificate: Certificate) -> Iterator[Guarded]:
    at = free_endpoint()
    with home("nats") as folder:
        text = SHIPPED.read_text()
        for written, here in (
            ("0.0.0.0:4222", str(at)),
            ("/var/lib/nats", str(folder / "data")),
            ("/etc/nats/server-chain.pem", str(dns_certificate.chain_file)),
            ("/etc/nats/server-key.pem", str(dns_certificate.key_file)),
            *((f"${user}_PASSWORD", f'"{word}"') for user, word in PASSWORDS.items()),
        ):
            assert written in text
            text = text.replace(written, here)
        (folder / "nats.conf").write_text(text)
        command = (require("nats-server"), "-c", folder / "nats.conf")
        with running(command, folder / "log", lambda: is_ready(at)):
            yield Guarded(f"tls://{at}", dns_certificate.ca_file)


async def test_a_worker_with_its_own_credential_asks_over_tls(guarded: Guarded) -> None:
    said = Script()
    said.outcomes[IMG.domain.text] = RIGHT
    async with (
        scripted(said.datagrams) as server,
        office(guarded.address("coordinator"), ["north", "south"]) as afar,
    ):
        afar.hire(worker(guarded.address("north"), "north"))
        resolver = Resolver("r", HOST, server.port, vantage="north")
        reply = await afar.prober().ask(resolver, Question(IMG.domain))
        assert reply.outcome == RIGHT


async def test_a_wrong_password_is_nobody(guarded: Guarded) -> None:
    wrong = replace(guarded.address("north"), login="north:guessed")
    async with office(guarded.address("coordinator"), ["north"]) as afar:
        afar.hire(worker(wrong, "north"))
        resolver = Resolver("r", HOST, 9, vantage="north")
        reply = await afar.prober().ask(resolver, Question(IMG.domain))
        assert reply.outcome == NoAnswer(NoAnswerReason.NO_VANTAGE, "no worker at north")
        assert afar.seen.seen["north"] == (0, 0)


async def test_a_hostile_worker_cannot_speak_or_listen_for_another_vantage(
    guarded: Guarded,
) -> None:
    async with office(guarded.address("coordinator"), ["north", "south"]) as afar:
        await true_soon(lambda: afar.office.is_connected)
        denied = list[str]()
        hostile = await guarded.client("south", "_INBOX_south", denied)
        stream = hostile.jetstream(timeout=0.5)
        for subject in ("heard.north", "jobs.north.sweep", "jobs.south.sweep"):
            with pytest.raises((nats.errors.Error, asyncio.TimeoutError)):
                await stream.publish(f"ocm.v1.{subject}", b"x")
        await hostile.publish("ocm.v1.beats.north", beat_to_wire(Beat("w", "1", 1.0)))
        await hostile.publish("ocm.v1.call", b"")
        others = ("ocm.v1.>", "ocm.v1.beats.*", "_INBOX_north.>", "_INBOX_coordinator.>", ">")
        for subject in others:
            await hostile.subscribe(subject)
        taking = await stream.pull_subscribe_bind("sweep", "OCM_JOBS_north")
        with pytest.raises((nats.errors.Error, asyncio.TimeoutError)):
            await taking.fetch(1, timeout=0.5)
        with pytest.raises((nats.errors.Error, asyncio.TimeoutError)):
            await stream.stream_info("OCM_JOBS_north")
        with pytest.raises((nats.errors.Error, asyncio.TimeoutError)):
            await stream.delete_stream("OCM_HEARD")
        await hostile.flush()
        await true_soon(lambda: len(denied) >= 12)
        assert all("permissions violation" in error.lower() for error in denied)
        assert not afar.office.has_worker("north")
        await hostile.close()


async def test_what_a_hostile_worker_says_of_another_vantages_batch_changes_nothing(
    guarded: Guarded,
) -> None:
    """Even one who has learnt the number of the batch."""
    said = Script()
    said.outcomes[IMG.domain.text] = RIGHT
    async with (
        scripted(said.datagrams) as server,
        office(guarded.address("coordinator"), ["north", "south"]) as afar,
    ):
        await true_soon(lambda: afar.office.is_connected)
        hostile = await guarded.client("south", "_INBOX_south", [])
        north = await guarded.client("north", "_INBOX_north", [])
        await north.publish("ocm.v1.beats.north", beat_to_wire(Beat("w", "1", 1.0)))
        await true_soon(lambda: afar.office.has_worker("north"))
        resolver = Resolver("r", HOST, server.port, vantage="north")
        asking = asyncio.ensure_future(afar.prober().ask(resolver, Question(IMG.domain)))
        await true_soon(lambda: afar.office.leased)
        (number,) = afar.office.leased
        (wire,) = parcel_to_wires(_lie(number))
        await hostile.jetstream().publish("ocm.v1.heard.south", wire)
        await true_soon(lambda: afar.seen.counts["south", "forged"] == 1)
        assert not asking.done()
        afar.hire(worker(guarded.address("north"), "north"))
        reply = await asking
        assert isinstance(reply.outcome, Answer)
        assert reply.outcome == RIGHT
        await hostile.jetstream().publish("ocm.v1.heard.south", b"gibberish")
        await true_soon(lambda: afar.seen.counts["south", "version"] == 1)
        (again,) = parcel_to_wires(_lie(number))
        await north.jetstream().publish("ocm.v1.heard.north", again)
        await true_soon(lambda: afar.seen.counts["north", "late"] == 1)
        await hostile.close()
        await north.close()


def _lie(number: str) -> Parcel:
    told = Told(bytes([AS_IT_CAME]), bytes(STRIDE), array("f", [0.1]), array("f", [0.1]))
    said = ((Said(0x80, b"nothing there"),),)
    return Parcel(number, "liar", "1", 1.0, array("I", [0]), said, (told,))
