import pytest

from tests.servers.prometheus import Refused, scraping


def test_it_answers_of_now_and_of_a_range() -> None:
    with scraping({}) as prometheus:
        assert prometheus.ask("vector(3)")[0]["value"][1] == "3"
        assert prometheus.ask("1 + 1")[0]["value"][1] == "2"
        (series,) = prometheus.ask_range("vector(3)", start=10, end=12, step=1)
        assert series["values"] == [[10, "3"], [11, "3"], [12, "3"]]
        assert prometheus.label_values("job", "up") == []


def test_a_question_that_it_cannot_read_is_an_error_with_its_words() -> None:
    with scraping({}) as prometheus, pytest.raises(Refused, match="parse error"):
        prometheus.ask("sum(")
