"""How a message becomes the text that a service takes."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.notifiers.fitting import fitted
from monitor.adapters.notifiers.wecom import WeCom
from tests.contracts.notifier_contract import MESSAGE

CUT = "… {count} more lines"


def test_a_text_that_fits_is_whole() -> None:
    text = fitted(MESSAGE, 2048, CUT)
    assert text == f"{MESSAGE.title}\n{MESSAGE.body}\n{MESSAGE.link}"


def test_a_text_that_is_too_long_ends_at_a_line_says_so_and_keeps_its_link() -> None:
    lines = [f"resolver {number}: 仍是旧值" for number in range(200)]
    text = fitted(replace(MESSAGE, body="\n".join(lines)), WeCom.limit, CUT)

    *kept, note, link = text.split("\n")[1:]
    assert kept == lines[: len(kept)]
    assert note == f"… {200 - len(kept)} more lines"
    assert link == MESSAGE.link
    # One more line would not have gone in.
    assert WeCom.limit - len(lines[0].encode()) - 3 < len(text.encode()) <= WeCom.limit


def test_without_body_and_link_a_text_is_its_title() -> None:
    assert fitted(replace(MESSAGE, body="", link=None), 2048, CUT) == MESSAGE.title


@given(
    title=st.text(max_size=80),
    lines=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n")), max_size=20),
    limit=st.integers(1, 400),
)
def test_no_text_is_longer_than_its_limit(title: str, lines: list[str], limit: int) -> None:
    message = replace(MESSAGE, title=title, body="\n".join(lines))
    assert len(fitted(message, limit, CUT).encode()) <= limit
