import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from monitor.core.tracking.curve import Curve, Point
from monitor.entrypoints.curve_svg import curve_in_words, progress_svg
from monitor.wording import Language, wording

BEGIN = datetime(2026, 11, 24, 20, 0, 3, tzinfo=UTC)
EN, ZH = wording(Language.ENGLISH), wording(Language.CHINESE)


def after(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


UNDER_WAY = Curve(
    begins_at=BEGIN,
    until=after(300),
    seen=(Point(BEGIN, 0.0), Point(after(20), 0.5), Point(after(200), 0.75)),
    expected=(Point(after(300), 0.75), Point(after(420), 1.0)),
    all_authorities_at=after(10),
    bound_at=after(610),
    converged_at=None,
    settled_at=None,
    deadline_at=BEGIN + timedelta(hours=72),
    is_over=False,
)
SETTLED = replace(
    UNDER_WAY,
    until=UNDER_WAY.deadline_at,
    seen=(*UNDER_WAY.seen, Point(after(420), 1.0)),
    expected=(),
    converged_at=after(430),
    settled_at=after(612),
    is_over=True,
)


def drawn(curve: Curve, at: datetime | None = None, language: Language = Language.ENGLISH) -> str:
    return progress_svg(curve, wording(language), at=at or curve.until)


def texts(picture: str, kind: str) -> list[str]:
    return [
        e.text or ""
        for e in ET.fromstring(picture).iter()
        if kind in (e.get("class") or "").split() and e.text
    ]


@pytest.mark.parametrize("curve", [UNDER_WAY, SETTLED])
@pytest.mark.parametrize("language", Language)
def test_the_picture_needs_no_style_of_its_own_and_no_script(
    curve: Curve, language: Language
) -> None:
    picture = drawn(curve, language=language)
    kinds = {element.tag for element in ET.fromstring(picture).iter()}
    assert kinds <= {"svg", "title", "desc", "line", "path", "text", "circle"}
    assert "style" not in picture
    assert "url(" not in picture and "href" not in picture


def test_the_picture_tells_in_words_what_it_shows() -> None:
    root = ET.fromstring(drawn(UNDER_WAY))
    title, text = root.find("title"), root.find("desc")
    assert root.get("role") == "img"
    assert title is not None and text is not None and title.text and text.text
    assert (root.get("aria-labelledby") or "").split() == [title.get("id"), text.get("id")]
    assert title.text == (
        "75 % of the answering resolvers' answers are new as of 2026-11-24 20:05:03 UTC"
    )
    assert "all authorities: 2026-11-24 20:00:13." in text.text
    assert "50 % since 2026-11-24 20:00:23 UTC, 20 s after the change was seen." in text.text
    assert "95 % expected by 2026-11-24 20:07:03 UTC." in text.text


def test_it_is_drawn_in_the_language_of_the_reader() -> None:
    assert texts(drawn(UNDER_WAY), "curve-now") == ["now 75 %"]
    assert texts(drawn(UNDER_WAY, language=Language.CHINESE), "curve-now") == ["现在 75 %"]


def test_what_is_expected_is_drawn_apart_from_what_was_seen() -> None:
    assert 'class="curve-expected"' in drawn(UNDER_WAY)
    assert len(texts(drawn(UNDER_WAY), "curve-key")) == 4
    assert 'class="curve-expected"' not in drawn(SETTLED)
    assert len(texts(drawn(SETTLED), "curve-key")) == 3


def test_what_is_over_has_no_now() -> None:
    assert texts(drawn(SETTLED), "curve-now") == []
    assert texts(drawn(SETTLED), "curve-name") == [
        "all authorities", "converged", "bound", "settled",
    ]  # fmt: skip


def test_a_far_deadline_leaves_the_room_to_what_happens() -> None:
    assert "deadline" not in texts(drawn(UNDER_WAY), "curve-name")
    late = replace(UNDER_WAY, until=after(3600 * 60), expected=())
    assert "deadline" in texts(drawn(late), "curve-name")


def test_the_steps_are_those_of_the_curve() -> None:
    (seen,) = re.findall(r'class="curve-seen" d="([^"]+)"', drawn(UNDER_WAY))
    assert [float(y) for y in re.findall(r"[V ]([\d.]+)", seen)] == [168.0, 84.0, 42.0]
    columns = [int(x) for x in re.findall(r"H(\d+)", seen)]
    assert columns == sorted(columns) and columns[-1] < 5000  # until now, before the bound


def test_names_that_would_meet_stand_in_rows() -> None:
    crowded = replace(SETTLED, converged_at=after(600))
    rows = {
        e.text: float(e.get("y") or 0)
        for e in ET.fromstring(drawn(crowded)).iter("text")
        if (e.get("class") or "").startswith("curve-name")
    }
    assert rows["converged"] != rows["bound"] != rows["settled"] != rows["converged"]
    assert rows["all authorities"] == min(rows.values())


def test_several_pictures_on_a_page_have_names_of_their_own() -> None:
    picture = progress_svg(UNDER_WAY, EN, at=UNDER_WAY.until, name='a"b')
    assert ET.fromstring(picture).get("aria-labelledby") == 'a"b-title a"b-text'


def test_a_moment_outside_of_the_curve_is_its_nearest() -> None:
    assert drawn(UNDER_WAY, after(99_999)) == drawn(UNDER_WAY)
    assert "now 0 %" in drawn(UNDER_WAY, after(-5))


def test_without_a_curve_there_is_no_picture() -> None:
    assert drawn(replace(UNDER_WAY, seen=(), expected=())) == ""


def test_what_nobody_can_foresee_is_said() -> None:
    stuck = replace(UNDER_WAY, expected=())
    assert curve_in_words(stuck, EN)[1:] == (
        "95 %: nobody can say when.",
        "100 %: nobody can say when.",
    )
    given_up = replace(stuck, is_over=True)
    assert curve_in_words(given_up, EN)[2] == "100 %: not reached."
    assert curve_in_words(given_up, ZH)[2] == "100 %：未达到。"
