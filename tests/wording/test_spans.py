from datetime import timedelta

import pytest

from monitor.wording import Language, wording
from monitor.wording.spans import percent, span


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (-3, "0 s", "0 秒"),
        (0, "0 s", "0 秒"),
        (3.21, "3.2 s", "3.2 秒"),
        (9.0, "9 s", "9 秒"),
        (59.7, "1 min", "1 分钟"),
        (125, "2 min 5 s", "2 分钟 5 秒"),
        (3600, "1 h", "1 小时"),
        (3605, "1 h", "1 小时"),
        (5400, "1 h 30 min", "1 小时 30 分钟"),
        (259_200, "3 d", "3 天"),
        (266_461, "3 d 2 h", "3 天 2 小时"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(
    seconds: float, english: str, chinese: str
) -> None:
    length = timedelta(seconds=seconds)
    assert span(length, wording(Language.ENGLISH)) == english
    assert span(length, wording(Language.CHINESE)) == chinese


@pytest.mark.parametrize(
    ("share", "told"),
    [(0, "0 %"), (0.001, "1 %"), (0.5, "50 %"), (0.999, "99 %"), (1.0, "100 %")],
)
def test_only_all_is_everything_and_only_none_is_nothing(share: float, told: str) -> None:
    assert percent(share) == told
