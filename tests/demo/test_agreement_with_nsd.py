"""The same questions to our authority and to NSD, on the same zones."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import pytest
import pytest_asyncio
from dns.message import Message
from dns.rcode import Rcode

from monitor.core.servers import Transport
from monitor.demo.authority import Authority
from monitor.demo.ports import free_port
from monitor.demo.zones import Zone
from tests.demo.questions import ask, lines, question
from tests.demo.samples import example, oss

NSD = shutil.which("nsd")
HERE = "127.0.0.1"
ZONES = (example(), oss())
_PATIENCE = 30.0

QUESTIONS = [
    ("example.test", "SOA"),
    ("example.test", "NS"),
    ("example.test", "A"),
    ("ns2.example.test", "AAAA"),
    ("www.example.test", "A"),
    ("www.example.test", "CNAME"),
    ("www.example.test", "TXT"),
    ("WWW.Example.TEST", "A"),
    ("plain.example.test", "A"),
    ("plain.example.test", "AAAA"),
    ("plain.example.test", "MX"),
    ("alias.example.test", "A"),
    ("alias.example.test", "AAAA"),
    ("hop.example.test", "CNAME"),
    ("dangling.example.test", "A"),
    ("nodata.example.test", "A"),
    ("text.example.test", "TXT"),
    ("deep.example.test", "A"),
    ("a.deep.example.test", "A"),
    ("b.deep.example.test", "A"),
    ("missing.example.test", "A"),
    ("x.wild.example.test", "A"),
    ("x.y.wild.example.test", "A"),
    ("x.wild.example.test", "TXT"),
    ("wild.example.test", "A"),
    ("*.wild.example.test", "A"),
    ("own.wild.example.test", "A"),
    ("below.own.wild.example.test", "A"),
    ("some.also.example.test", "A"),
    ("some.also.example.test", "CNAME"),
    ("child.example.test", "A"),
    ("child.example.test", "NS"),
    ("www.child.example.test", "A"),
    ("ns.child.example.test", "A"),
    ("down.example.test", "A"),
    ("shop.oss-cn-beijing.aliyuncs.test", "A"),
    ("oss-cn-beijing.aliyuncs.test", "A"),
    ("nothing.aliyuncs.test", "A"),
    ("elsewhere.test", "A"),
    ("big.example.test", "TXT"),
]


@dataclass(frozen=True, slots=True)
class Nsd:
    address: str
    port: int


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Authority, Nsd]]:
    async with AsyncExitStack() as running:
        ours = Authority(HERE, free_port([HERE]), ZONES)
        home = tmp_path_factory.mktemp("nsd")
        yield (
            await running.enter_async_context(ours),
            await running.enter_async_context(_nsd(home)),
        )


@pytest.mark.skipif(NSD is None, reason="nsd is not installed")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "rdtype"), QUESTIONS)
async def test_our_authority_answers_as_nsd_does(
    servers: tuple[Authority, Nsd], name: str, rdtype: str
) -> None:
    ours, theirs = [await ask(server, question(name, rdtype)) for server in servers]
    assert _essence(ours) == _essence(theirs)


@pytest.mark.skipif(NSD is None, reason="nsd is not installed")
@pytest.mark.asyncio(loop_scope="module")
async def test_what_nsd_sends_over_tcp_we_send_too(servers: tuple[Authority, Nsd]) -> None:
    asked = question("big.example.test", "TXT")
    ours, theirs = [await ask(server, asked, Transport.TCP) for server in servers]
    assert _essence(ours) == _essence(theirs)
    assert len(ours.answer[0]) == 30


def _essence(answer: Message) -> tuple[Rcode, bool, bool, frozenset[str], frozenset[str]]:
    is_short = bool(answer.flags & dns.flags.TC)
    return (
        answer.rcode(),
        bool(answer.flags & dns.flags.AA),
        is_short,
        # How much of a truncated answer is sent is the server's choice.
        frozenset() if is_short else frozenset(lines(answer.answer)),
        frozenset() if is_short else frozenset(lines(answer.authority)),
    )


@asynccontextmanager
async def _nsd(home: Path) -> AsyncIterator[Nsd]:
    server = Nsd(HERE, free_port([HERE]))
    config = home / "nsd.conf"
    config.write_text(_config(home, server))
    for zone in ZONES:
        (home / f"{zone.apex}zone").write_text(_zone_file(zone))
    process = await asyncio.create_subprocess_exec(str(NSD), "-d", "-c", str(config))
    try:
        await asyncio.wait_for(_answering(server), _PATIENCE)
        yield server
    finally:
        process.terminate()
        await process.wait()


def _config(home: Path, server: Nsd) -> str:
    return "\n".join(
        [
            "server:",
            f"  ip-address: {server.address}@{server.port}",
            '  username: ""\n  chroot: ""\n  database: ""\n  server-count: 1',
            f'  zonesdir: "{home}"\n  pidfile: "{home}/nsd.pid"\n  logfile: "{home}/nsd.log"',
            f'  zonelistfile: "{home}/zone.list"\n  xfrdfile: ""\n  xfrdir: "{home}"',
            "  rrl-ratelimit: 0\n  minimal-responses: yes",
            "remote-control:\n  control-enable: no",
            *(f'zone:\n  name: "{zone.apex}"\n  zonefile: "{zone.apex}zone"' for zone in ZONES),
            "",
        ]
    )


def _zone_file(zone: Zone) -> str:
    records = (
        f"{rrset.owner} {rrset.ttl} IN {rrset.rdtype.name} {data}"
        for rrset in zone.rrsets
        for data in rrset.rdatas
    )
    return "\n".join([*records, ""])


async def _answering(server: Nsd) -> None:
    asked = question("example.test", "SOA").to_wire()
    while True:
        try:
            # Over TCP a server that is not up yet refuses at once, no datagram is waited for.
            reader, writer = await asyncio.open_connection(server.address, server.port)
            writer.write(len(asked).to_bytes(2, "big") + asked)
            await reader.readexactly(2)
        except (ConnectionError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
