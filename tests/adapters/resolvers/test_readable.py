import dns.edns
import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.resolvers.readable import readable
from tests.core.properties import REPEATABLE


def message(*lines: str, error: str = "") -> dns.message.Message:
    made = dns.message.make_response(dns.message.make_query("img.shop.example.", "A", id=4711))
    for line in lines:
        owner, ttl, kind, value = line.split(maxsplit=3)
        made.answer.append(dns.rrset.from_text(owner, int(ttl), "IN", kind, value))
    told: list[dns.edns.Option] = [dns.edns.EDEOption(dns.edns.EDECode.STALE_ANSWER, error)]
    made.use_edns(0, options=told if error else [])
    return made


def test_a_message_is_told_by_what_it_says() -> None:
    wire = message("img.shop.example. 60 CNAME b.example.", error="kept").to_wire()
    assert readable(wire).split("\n") == [
        "rcode NOERROR",
        "flags QR RD",
        "edns 0",
        "option EDE 3 (Stale Answer): kept",
        ";QUESTION",
        "img.shop.example. IN A",
        ";ANSWER",
        "img.shop.example. 60 IN CNAME b.example.",
    ]


def test_the_same_message_under_another_id_reads_the_same() -> None:
    wire = message("img.shop.example. 60 A 192.0.2.1").to_wire()
    assert readable(b"\0\1" + wire[2:]) == readable(wire)


def test_two_aliases_of_one_name_are_both_shown() -> None:
    wire = message(
        "img.shop.example. 60 CNAME a.example.", "img.shop.example. 60 CNAME b.example."
    ).to_wire()
    assert readable(wire).count(" CNAME ") == 2


@pytest.mark.parametrize("error", ["\x1b[31mred", "two\nlines", "a\u202eb", "\x9b31m"])
def test_what_would_act_on_a_terminal_is_escaped(error: str) -> None:
    text = readable(message('x.example. 60 TXT "\\027[31m\\010"', error=error).to_wire())
    assert text
    assert all(letter.isprintable() for letter in text.replace("\n", ""))


def test_the_text_of_an_error_cannot_forge_a_record() -> None:
    forged = "x\n;ANSWER\nimg.shop.example. 60 IN A 203.0.113.66"
    wire = message("img.shop.example. 60 A 192.0.2.1", error=forged).to_wire()
    lines = readable(wire).split("\n")
    assert [line for line in lines if " IN A 203" in line and not line.startswith("option ")] == []
    assert lines.count(";ANSWER") == 1


@pytest.mark.parametrize("wire", [b"", b"\0", b"\0" * 11, b"not DNS at all"])
def test_what_is_no_message_has_no_text(wire: bytes) -> None:
    assert readable(wire) == ""


@REPEATABLE
@given(st.binary(max_size=200))
def test_nothing_is_too_odd_to_be_told(wire: bytes) -> None:
    assert all(letter.isprintable() for letter in readable(wire).replace("\n", ""))


@REPEATABLE
@given(st.data())
def test_no_slip_in_a_message_is_too_odd_to_be_told(data: st.DataObject) -> None:
    wire = bytearray(message("img.shop.example. 60 CNAME b.example.", error="x").to_wire())
    at = data.draw(st.integers(0, len(wire) - 1))
    wire[at] = data.draw(st.integers(0, 255))
    assert all(letter.isprintable() for letter in readable(bytes(wire)).replace("\n", ""))
