"""Questions as they travel: what dnspython would have made of them, less the id."""

import dns.message
import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.resolvers.questions import encoded, in_varied_case, name_on_wire
from monitor.adapters.resolvers.wire import message_of
from monitor.core.answers import Question, RecordType
from monitor.core.names import DomainName

# Unusual characters as an answer shows them (RFC 1035 §5.1) among those that people use.
LABELS = st.text("abcxyz019-_", min_size=1, max_size=63) | st.sampled_from(
    ["*", "_dnsauth", "xn--fsqu00a", "a\\.b", "\\000", "\\255\\032", "x>y", "x" * 63]
)
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join).filter(lambda n: len(n) < 200)
SUBNETS = st.sampled_from(
    [None, "192.0.2.0/24", "198.51.100.128/25", "2001:db8::/56", "0.0.0.0/0"]
)
QUESTIONS = st.builds(
    Question,
    NAMES.map(DomainName),
    st.sampled_from(RecordType),
    st.booleans(),
    SUBNETS,
)


@given(question=QUESTIONS, client_subnet=SUBNETS, use_edns=st.booleans())
def test_a_query_is_octet_for_octet_what_dnspython_makes_but_for_the_id(
    question: Question, client_subnet: str | None, *, use_edns: bool
) -> None:
    asked = encoded(question, client_subnet, use_edns=use_edns)
    expected = message_of(question, client_subnet, use_edns=use_edns).to_wire()
    assert asked.query == expected[2:]


@given(question=QUESTIONS, client_subnet=SUBNETS, use_edns=st.booleans())
def test_the_question_section_is_just_what_a_response_repeats(
    question: Question, client_subnet: str | None, *, use_edns: bool
) -> None:
    asked = encoded(question, client_subnet, use_edns=use_edns)
    response = dns.message.make_response(dns.message.from_wire(b"\0\7" + asked.query))
    response.use_edns(False)
    assert response.to_wire()[12:] == asked.question


@given(QUESTIONS, SUBNETS)
def test_a_varied_case_changes_nothing_but_the_case_of_the_name(
    question: Question, client_subnet: str | None
) -> None:
    asked = encoded(question, client_subnet)
    varied = in_varied_case(asked)
    name_end = 10 + len(asked.question) - 4
    assert varied.options == asked.options
    assert varied.query[:10] == asked.query[:10]
    assert varied.query[name_end:] == asked.query[name_end:]
    assert varied.query[10:name_end].lower() == asked.query[10:name_end].lower()
    assert name_of(varied.query) == dns.name.from_text(question.name.text)


def name_of(query: bytes) -> dns.name.Name:
    return dns.message.from_wire(b"\0\7" + query).question[0].name


def test_each_letter_is_seen_in_both_cases_and_nothing_else_varies() -> None:
    text = f"img-1_.shop.{'a' * 63}.example"
    asked = encoded(Question(DomainName(text)), None)
    spellings = [in_varied_case(asked).query for _ in range(64)]
    for at, octet in enumerate(asked.query):
        seen = {query[at] for query in spellings}
        is_letter = chr(octet).isalpha() and 10 <= at < 10 + len(asked.question) - 4
        assert seen == ({octet, octet ^ 0x20} if is_letter else {octet})


def test_two_spellings_of_a_name_are_hardly_ever_alike() -> None:
    asked = encoded(Question(DomainName(f"{'a' * 60}.{'b' * 60}.example")), None)
    assert len({in_varied_case(asked).query for _ in range(100)}) == 100


@given(NAMES)
def test_a_name_is_encoded_as_dnspython_does(text: str) -> None:
    assert name_on_wire(text) == dns.name.from_text(text).to_wire()


def test_the_root_is_a_name_too() -> None:
    assert name_on_wire(".") == name_on_wire("") == b"\0"


@pytest.mark.parametrize(
    "text",
    [
        "a..b",
        ".a",
        f"{'a' * 64}.example",
        "\\000" * 64 + ".example",
        ".".join(["a" * 60] * 5),
        ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 62]),  # 256 octets on the wire
    ],
)
def test_what_is_no_name_cannot_be_asked_for(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be asked for"):
        name_on_wire(text)


def test_the_longest_name_can_be_asked_for() -> None:
    text = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    assert len(name_on_wire(text)) == 255
