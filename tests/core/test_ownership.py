from datetime import timedelta

import pytest

from monitor.core.answers import (
    Alias,
    Answer,
    NoAnswer,
    NoAnswerReason,
    Outcome,
    Rcode,
    Reply,
    Text,
)
from monitor.core.names import DomainName
from monitor.core.ownership import (
    CnameToken,
    Proof,
    Sight,
    Sights,
    may_ask_resolvers,
    sight_of,
)
from monitor.core.servers import Transport
from tests.core.samples import START

TOKEN = CnameToken(DomainName("img.shop.example"), "photos", "shop", "be1d49d863dea9ff")
OWNER = TOKEN.owner
ZONE = DomainName("shop.example")
ELSEWHERE = DomainName("proofs.example.net")


def texts(*values: str, owner: DomainName = OWNER, ttl: int = 600) -> Answer:
    records = tuple(Text(owner, value, ttl) for value in values)
    return Answer(Rcode.NOERROR, texts=records, is_authoritative=True)


def none(rcode: Rcode, negative_ttl: int = 45) -> Answer:
    return Answer(rcode, soa_owner=ZONE, negative_ttl=negative_ttl, is_authoritative=True)


def sight(outcome: Outcome, *, is_authority: bool = False) -> Sight:
    reply = Reply(outcome, START, timedelta(milliseconds=5), Transport.UDP, b"wire")
    return sight_of("a", reply, TOKEN, is_authority=is_authority)


VISIBLE, ABSENT = sight(texts(TOKEN.value)), sight(none(Rcode.NXDOMAIN))
SILENT = sight(NoAnswer(NoAnswerReason.TIMEOUT))


@pytest.mark.parametrize(
    ("outcome", "proof"),
    [
        (texts(TOKEN.value), Proof.VISIBLE),
        (texts("an old token", TOKEN.value), Proof.VISIBLE),
        (texts("an old token"), Proof.OTHER_VALUE),
        (texts(TOKEN.value.upper()), Proof.OTHER_VALUE),
        (texts(TOKEN.value, owner=ZONE), Proof.ABSENT),
        (none(Rcode.NXDOMAIN), Proof.ABSENT),
        (none(Rcode.NOERROR), Proof.ABSENT),
        (Answer(Rcode.SERVFAIL), Proof.UNKNOWN),
        (Answer(Rcode.REFUSED), Proof.UNKNOWN),
        (NoAnswer(NoAnswerReason.TIMEOUT), Proof.UNKNOWN),
    ],
)
@pytest.mark.parametrize("is_authority", [True, False])
def test_an_answer_has_one_meaning(outcome: Outcome, proof: Proof, *, is_authority: bool) -> None:
    assert sight(outcome, is_authority=is_authority).proof is proof


def test_a_proof_behind_a_cname_is_seen() -> None:
    alias = Alias(OWNER, ELSEWHERE, 60)
    found = Answer(Rcode.NOERROR, aliases=(alias,), texts=(Text(ELSEWHERE, TOKEN.value, 60),))
    assert sight(found).proof is Proof.VISIBLE


def test_an_authority_knows_nothing_of_a_proof_in_another_zone() -> None:
    alias = Alias(OWNER, ELSEWHERE, 60)
    found = Answer(Rcode.NOERROR, aliases=(alias,), is_authoritative=True)
    assert sight(found, is_authority=True).proof is Proof.UNKNOWN
    assert sight(found).proof is Proof.ABSENT


def test_a_server_that_is_no_authority_is_not_believed_as_one() -> None:
    found = Answer(Rcode.NXDOMAIN, soa_owner=ZONE, negative_ttl=45)
    assert sight(found, is_authority=True).proof is Proof.UNKNOWN
    assert sight(found).proof is Proof.ABSENT


def test_a_resolver_may_go_on_saying_no_for_the_negative_ttl() -> None:
    assert ABSENT.kept_until == START + timedelta(seconds=45)
    assert sight(texts("old", ttl=600)).kept_until == START + timedelta(seconds=600)
    assert VISIBLE.kept_until is None
    assert sight(none(Rcode.NXDOMAIN), is_authority=True).kept_until is None
    assert sight(Answer(Rcode.NXDOMAIN)).kept_until is None


def test_the_record_is_named_as_people_type_it_and_in_full() -> None:
    assert OWNER.text == "_dnsauth.img.shop.example"
    assert TOKEN.host_in(ZONE) == "_dnsauth.img"
    apex = CnameToken(ZONE, "photos", "shop", "x")
    assert (apex.owner.text, apex.host_in(ZONE)) == ("_dnsauth.shop.example", "_dnsauth")


def test_it_is_visible_when_everybody_who_answers_sees_it() -> None:
    def sights(authorities: tuple[Sight, ...], resolvers: tuple[Sight, ...]) -> Sights:
        return Sights(TOKEN, ZONE, authorities, resolvers)

    assert sights((VISIBLE,), (VISIBLE, SILENT)).is_visible is True
    assert sights((VISIBLE,), (VISIBLE, ABSENT)).is_visible is False
    assert sights((VISIBLE, ABSENT), (VISIBLE,)).is_visible is False
    assert sights((ABSENT,), ()).is_visible is False
    assert sights((VISIBLE,), (SILENT,)).is_visible is False, "nobody's clients see it yet"
    assert sights((SILENT,), (SILENT,)).is_visible is None
    assert sights((), (VISIBLE,)).is_visible is True


def test_the_last_memory_of_its_absence_ends_last() -> None:
    longer = sight(none(Rcode.NXDOMAIN, negative_ttl=90))
    found = Sights(TOKEN, ZONE, (VISIBLE,), (ABSENT, longer, VISIBLE, SILENT))
    assert found.kept_until == START + timedelta(seconds=90)
    assert Sights(TOKEN, ZONE, (VISIBLE,), (VISIBLE,)).kept_until is None


@pytest.mark.parametrize(
    ("authorities", "may_ask"),
    [
        ((VISIBLE, ABSENT), True),
        ((ABSENT, ABSENT), False),
        ((ABSENT, SILENT), False),
        ((SILENT,), True),
        ((), True),
    ],
)
def test_resolvers_are_asked_once_an_authority_has_it_or_nobody_knows(
    authorities: tuple[Sight, ...], *, may_ask: bool
) -> None:
    assert may_ask_resolvers(authorities) is may_ask
