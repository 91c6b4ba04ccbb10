import dns.flags
import dns.message
import dns.opcode
import pytest
from dns.message import Message
from dns.rcode import Rcode
from hypothesis import example as such_as
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.servers import Transport
from monitor.demo import wire
from monitor.demo.zones import lookup
from tests.demo.questions import question
from tests.demo.samples import example

HEADER_OF_A_QUERY = bytes([0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0])


def _rejected(message: Message) -> Message:
    read = wire.read(message.to_wire())
    assert isinstance(read, wire.Rejected)
    assert read.reply is not None
    return dns.message.from_wire(read.reply)


@settings(deadline=None)
@given(st.binary(max_size=80))
@such_as(HEADER_OF_A_QUERY + b"\x03www")
def test_no_octets_whatsoever_break_a_server(received: bytes) -> None:
    read = wire.read(received)
    if isinstance(read, wire.Question):
        found = lookup([example()], read.name, read.rdtype)
        wire.pack(wire.reply(read, found, wire.Speaker()), read, Transport.UDP)


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_no_options_whatsoever_break_a_server(options: bytes) -> None:
    asked = question("www.example.test", payload=0).to_wire()
    counted = asked[:11] + b"\x01" + asked[12:]
    opt = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00" + len(options).to_bytes(2, "big") + options
    read = wire.read(counted + opt)
    if isinstance(read, wire.Question):
        wire.pack(
            wire.reply(read, lookup([], read.name, read.rdtype), wire.Speaker("x")),
            read,
            Transport.UDP,
        )


def test_what_cannot_be_read_is_a_format_error_under_its_own_id() -> None:
    read = wire.read(HEADER_OF_A_QUERY + b"\x03www")
    assert isinstance(read, wire.Rejected)
    assert read.reply == bytes([0x12, 0x34, 0x81, Rcode.FORMERR]) + bytes(8)


@pytest.mark.parametrize("received", [b"", b"\x12\x34", HEADER_OF_A_QUERY[:11]])
def test_what_has_no_header_gets_no_answer(received: bytes) -> None:
    assert wire.read(received) == wire.Rejected(None)


def test_an_answer_gets_no_answer() -> None:
    response = dns.message.make_response(question("www.example.test"))
    assert wire.read(response.to_wire()) == wire.Rejected(None)


def test_other_work_than_questions_is_not_implemented() -> None:
    notify = question("example.test", "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    assert _rejected(notify).rcode() == Rcode.NOTIMP


def test_a_later_edns_version_is_answered_with_badvers() -> None:
    later = question("www.example.test")
    later.use_edns(edns=1)
    assert _rejected(later).rcode() == Rcode.BADVERS


@pytest.mark.parametrize(("rdtype", "rdclass"), [("AXFR", "IN"), ("TXT", "CH")])
def test_transfers_and_other_classes_are_refused(rdtype: str, rdclass: str) -> None:
    asked = dns.message.make_query("example.test", rdtype, rdclass)
    assert _rejected(asked).rcode() == Rcode.REFUSED


def test_two_questions_at_once_are_a_format_error() -> None:
    double = question("www.example.test")
    double.question += question("plain.example.test").question
    assert _rejected(double).rcode() == Rcode.FORMERR


def test_the_question_comes_back_in_the_letters_in_which_it_was_asked() -> None:
    asked = question("wWw.eXaMpLe.TeSt")
    read = wire.read(asked.to_wire())
    assert isinstance(read, wire.Question)
    assert read.key == ("www.example.test", "A")
    found = lookup([example()], read.name, read.rdtype)
    packed = wire.pack(wire.reply(read, found, wire.Speaker()), read, Transport.UDP)
    answer = dns.message.from_wire(packed)
    assert answer.question[0].name.to_text() == "wWw.eXaMpLe.TeSt."
    assert answer.answer[0].name == asked.question[0].name


def test_a_server_answers_without_edns_whom_it_was_asked_by_without() -> None:
    read = wire.read(question("www.example.test", payload=0).to_wire())
    assert isinstance(read, wire.Question)
    response = wire.reply(read, lookup([], read.name, read.rdtype), wire.Speaker("ns1"))
    assert response.edns == -1
    assert not response.flags & dns.flags.RA
