import asyncio
from collections.abc import AsyncIterator
from random import Random

import dns.asyncquery
import dns.exception
import dns.flags
import dns.name
import pytest
import pytest_asyncio
from dns.edns import NSIDOption
from dns.rcode import Rcode
from dns.rdatatype import RdataType

from monitor.core.servers import Transport
from monitor.demo.authority import Authority, one_of
from monitor.demo.ports import free_port, loopback_addresses
from tests.demo.questions import ask, errors, lines, nsid, question
from tests.demo.samples import NEW, OLD, example, moved, oss


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Authority]:
    address = "127.0.0.1"
    async with Authority(address, free_port([address]), [example()], nsid="ns1.lab") as running:
        yield running


async def test_an_authority_answers_with_authority_and_without_recursion(
    server: Authority,
) -> None:
    answer = await ask(server, "plain.example.test")
    assert lines(answer.answer) == [
        "plain.example.test. 300 A 192.0.2.10",
        "plain.example.test. 300 A 192.0.2.11",
    ]
    assert answer.flags & dns.flags.AA
    assert not answer.flags & dns.flags.RA


async def test_an_authority_says_which_instance_it_is_to_those_who_ask(server: Authority) -> None:
    assert nsid(await ask(server, "plain.example.test")) == "ns1.lab"
    assert nsid(await ask(server, question("plain.example.test"))) is None


async def test_a_delegation_is_referred_with_glue(server: Authority) -> None:
    answer = await ask(server, "www.child.example.test")
    assert not answer.flags & dns.flags.AA
    assert lines(answer.authority) == [
        "child.example.test. 900 NS ns.child.example.test.",
        "child.example.test. 900 NS ns1.other.test.",
    ]
    assert lines(answer.additional) == [
        "ns.child.example.test. 900 A 192.0.2.40",
        "ns.child.example.test. 900 AAAA 2001:db8::40",
    ]


async def test_missing_names_missing_types_and_foreign_names_are_told_apart(
    server: Authority,
) -> None:
    missing = await ask(server, "missing.example.test")
    empty = await ask(server, "deep.example.test")
    foreign = await ask(server, "www.elsewhere.test")
    assert missing.rcode() == Rcode.NXDOMAIN
    assert [rrset.ttl for rrset in missing.authority] == [45]
    assert (empty.rcode(), empty.answer) == (Rcode.NOERROR, [])
    assert foreign.rcode() == Rcode.REFUSED
    assert not errors(foreign)


async def test_a_wildcard_answers_under_the_name_that_was_asked(server: Authority) -> None:
    answer = await ask(server, "some.wild.example.test")
    assert lines(answer.answer) == ["some.wild.example.test. 300 A 192.0.2.30"]


@pytest.mark.parametrize(("name", "payload"), [("big", 4096), ("half", 0), ("half", 512)])
async def test_what_no_datagram_holds_is_cut_short_and_whole_over_tcp(
    server: Authority, name: str, payload: int
) -> None:
    asked = question(f"{name}.example.test", "TXT", payload=payload)
    short = await ask(server, asked)
    whole = await ask(server, asked, Transport.TCP)
    assert short.flags & dns.flags.TC
    assert len(short.to_wire()) <= max(512, min(payload, 1232))
    assert not whole.flags & dns.flags.TC
    assert len(whole.answer[0]) in (8, 30)


async def test_a_client_that_takes_more_gets_more(server: Authority) -> None:
    answer = await ask(server, question("half.example.test", "TXT", payload=1232))
    assert not answer.flags & dns.flags.TC
    assert len(answer.answer[0]) == 8


async def test_the_question_is_echoed_as_asked(server: Authority) -> None:
    answer = await ask(server, "PlAiN.eXaMpLe.tEsT")
    assert answer.question[0].name.to_text() == "PlAiN.eXaMpLe.tEsT."


async def test_an_authority_counts_what_it_is_asked(server: Authority) -> None:
    await ask(server, "WWW.example.test")
    await ask(server, question("www.example.test", "CNAME"))
    await ask(server, "www.example.test", Transport.TCP)
    assert server.queries["www.example.test", "A"] == 2
    assert server.queries["www.example.test", "CNAME"] == 1


async def test_one_of_two_authorities_may_lag() -> None:
    first, second = loopback_addresses(2)
    async with (
        Authority(first, free_port([first]), [example()]) as quick,
        Authority(second, free_port([second]), [example()]) as lagging,
    ):
        quick.zones = (moved(example()),)
        asked = question("www.example.test", "CNAME")
        assert lines((await ask(quick, asked)).answer) == [f"www.example.test. 600 CNAME {NEW}"]
        assert lines((await ask(lagging, asked)).answer) == [f"www.example.test. 600 CNAME {OLD}"]


async def test_an_unreachable_authority_is_silent(server: Authority) -> None:
    server.is_reachable = False
    with pytest.raises(dns.exception.Timeout):
        await asyncio.wait_for(_briefly(server), timeout=30)
    assert not server.queries


async def test_an_authority_listens_on_ipv6_too() -> None:
    try:
        port = free_port(["::1"])
    except OSError:
        pytest.skip("this host has no IPv6 loopback")
    async with Authority("::1", port, [example()]) as server:
        assert (await ask(server, "plain.example.test")).rcode() == Rcode.NOERROR


async def test_an_authority_can_be_stopped_and_started(server: Authority) -> None:
    again = Authority("127.0.0.1", free_port(["127.0.0.1"]), [example()])
    for _ in range(2):
        async with again:
            assert (await ask(again, "plain.example.test")).rcode() == Rcode.NOERROR


def test_a_recursive_server_asks_any_reachable_authority_of_the_nearest_zone() -> None:
    quick = Authority("127.0.0.1", 1, [moved(example())])
    lagging = Authority("127.0.0.1", 2, [example()])
    elsewhere = Authority("127.0.0.1", 3, [oss()])
    ask_one = one_of([quick, lagging, elsewhere], Random(1))
    www = dns.name.from_text("www.example.test")
    answers = [ask_one(www, RdataType.A, None) for _ in range(20)]
    targets = {str(found.answer[0].alias) for found in answers if found}
    assert targets == {OLD, NEW}
    lagging.is_reachable = False
    answers = [ask_one(www, RdataType.A, None) for _ in range(20)]
    assert {str(found.answer[0].alias) for found in answers if found} == {NEW}
    quick.is_reachable = False
    assert ask_one(www, RdataType.A, None) is None
    assert ask_one(dns.name.from_text("www.unknown"), RdataType.A, None) is None


async def _briefly(server: Authority) -> None:
    asked = question("plain.example.test", "A", NSIDOption(b""))
    await dns.asyncquery.udp(asked, server.address, timeout=0.2, port=server.port)
