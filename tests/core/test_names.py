import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.names import MAX_LABEL, MAX_NAME, DomainName, InvalidName
from tests.core.properties import REPEATABLE

# Any text, unpaired surrogates too: a command line may hold octets that are no text.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=80)
A_LABELS = st.from_regex(r"xn--[a-z0-9-]{0,12}", fullmatch=True)
LABELS = st.from_regex(r"[a-z0-9_]([a-z0-9_-]{0,8}[a-z0-9_])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("Img.Example.COM.", "img.example.com"),
        (" img.example.com ", "img.example.com"),
        ("图片.example", "xn--wcsw84d.example"),
        ("图片。example", "xn--wcsw84d.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("_dnsauth.img.example", "_dnsauth.img.example"),
        ("*.example.com", "*.example.com"),
        ("localhost", "localhost"),
    ],
)
def test_a_name_is_read_as_people_and_apis_write_it(written: str, text: str) -> None:
    assert DomainName.parse(written).text == text


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("", "an empty label"),
        (".", "an empty label"),
        ("a..b", "an empty label"),
        ("*", "needs a name behind it"),
        ("a.*.b", "other characters"),
        ("a b.example", "other characters"),
        ("-a.example", "other characters"),
        ("a-.example", "other characters"),
        ("http://a.example", "other characters"),
        ("x" * (MAX_LABEL + 1) + ".example", "label over 63"),
        (".".join(["x" * 60] * 5), "longer than 253"),
        ("\u2603\u200d.example", "is no domain name"),
    ],
)
def test_what_is_no_name_is_refused_with_the_reason(written: str, complaint: str) -> None:
    with pytest.raises(InvalidName, match=complaint):
        DomainName.parse(written)


@REPEATABLE
@given(TEXTS)
def test_any_text_is_a_name_or_refused_and_a_name_stays_what_it_is(text: str) -> None:
    try:
        name = DomainName.parse(text)
    except InvalidName:
        return
    assert DomainName.parse(name.text) == name
    assert len(name.text) <= MAX_NAME


@REPEATABLE
@given(NAMES)
def test_case_and_the_final_dot_make_no_difference(text: str) -> None:
    assert DomainName.parse(text.upper() + ".") == DomainName.parse(text)
    assert DomainName.seen(text.upper() + ".") == DomainName.parse(text)


@pytest.mark.parametrize("written", ["图片.shop.example", "bücher.example", "plain.example"])
def test_a_name_is_shown_as_people_write_it(written: str) -> None:
    assert DomainName.parse(written).display == written


@REPEATABLE
@given(st.one_of(TEXTS, A_LABELS, NAMES))
def test_a_name_as_it_is_shown_can_be_given_back(text: str) -> None:
    try:
        name = DomainName.parse(text)
    except InvalidName:
        return
    assert DomainName.parse(name.display) == name


@REPEATABLE
@given(st.one_of(A_LABELS, st.from_regex(r"xn--[!-~]{0,12}", fullmatch=True)))
def test_whatever_an_answer_holds_can_be_shown(presented: str) -> None:
    assert DomainName.seen(presented).display


def test_an_a_label_that_means_nothing_is_shown_as_it_is() -> None:
    assert DomainName("xn--99999999.example").display == "xn--99999999.example"


def test_only_a_leading_star_is_a_wildcard() -> None:
    assert DomainName.parse("*.example").is_wildcard
    assert not DomainName.parse("star.example").is_wildcard


@REPEATABLE
@given(NAMES, LABELS)
def test_a_name_is_within_its_suffixes_at_label_borders_only(text: str, label: str) -> None:
    suffix = DomainName.parse(text)
    assert suffix.is_within(suffix)
    assert DomainName(f"{label}.{text}").is_within(suffix)
    assert not DomainName(f"{label}{text}").is_within(suffix)


def test_the_parent_is_the_name_without_its_first_label() -> None:
    assert DomainName("a.b.example").parent == DomainName("b.example")
    assert DomainName("example").parent is None
