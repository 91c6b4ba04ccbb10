import pytest

from monitor.entrypoints.web.access import Scope
from monitor.entrypoints.web.tokens import BadToken, TokenRing

READ = frozenset({Scope.READ})
TEXT = "0123456789abcdef0123456789abcdef"


def test_a_token_is_known_by_its_text_alone() -> None:
    ring = TokenRing()
    first, second = ring.token("first", TEXT, READ), ring.token("second", TEXT[::-1], set(Scope))
    assert ring.owner(TEXT, (first, second)) is first
    assert ring.owner(TEXT[::-1], (first, second)) is second
    for wrong in ("", TEXT[:-1], TEXT + "0", TEXT.upper(), "é", "first"):
        assert ring.owner(wrong, (first, second)) is None
    assert ring.owner(TEXT, ()) is None


def test_neither_a_token_nor_its_repr_holds_the_text() -> None:
    token = TokenRing().token("first", TEXT, READ)
    assert TEXT not in repr(token)
    assert TEXT.encode() not in token.digest
    assert token.digest != TokenRing().token("first", TEXT, READ).digest, "each process its key"


@pytest.mark.parametrize(
    ("text", "part"),
    [("hunter2", "shorter than 20"), ("x" * 19, "shorter"), ("with spaces " * 3, "characters")],
)
def test_what_cannot_be_a_token_is_refused_without_being_shown(text: str, part: str) -> None:
    with pytest.raises(BadToken, match=part) as refused:
        TokenRing().token("first", text, READ)
    assert text not in str(refused.value)
