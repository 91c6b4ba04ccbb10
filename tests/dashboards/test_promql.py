import pytest

from tests.dashboards.promql import Selector, labels_of, queries_of, selectors_of


def test_each_metric_is_found_with_what_it_must_be() -> None:
    expr = """
      sum without (resolver) (rate(some_total{a="x", b=~"y|z"}[5m:1m]))
      * ignoring (c, d) group_left (e) job:other:rate5m
      unless on () {0} > time() - 7 * 86400
    """.replace("{0}", "bare")
    assert list(selectors_of(expr)) == [
        Selector("some_total", {"a": frozenset({"x"}), "b": frozenset({"y", "z"})}),
        Selector("job:other:rate5m", {}),
        Selector("bare", {}),
    ]
    assert labels_of(expr) == {"resolver", "c", "d", "e"}


def test_what_is_not_understood_is_not_overlooked() -> None:
    with pytest.raises(AssertionError, match="not understood"):
        list(selectors_of('some{label ~ "x"}'))
    assert Selector("quantile", {}) in list(selectors_of("quantile(0.9, some)"))


def test_the_queries_of_a_template_are_found() -> None:
    text = '{{ range query (printf "a{b=%q} == 1" $labels.b) }}x{{ end }}{{ with query "max(c)" }}'
    assert queries_of(text) == ["a{b=%q} == 1", "max(c)"]
