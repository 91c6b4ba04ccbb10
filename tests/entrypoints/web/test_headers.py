from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from monitor.entrypoints.web.access import OPEN_TO_THIS_MACHINE
from monitor.entrypoints.web.app import create_app
from tests.entrypoints.web.worlds import reader, site_of

HSTS = "strict-transport-security"


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("https://127.0.0.1:9953", "max-age=31536000"),
        ("https://a.example", "max-age=31536000"),
        ("https://localhost:9953", None),  # other services of this machine have no TLS
        ("http://127.0.0.1:9953", None),
    ],
)
def test_who_came_over_tls_is_told_to_come_so_again(base: str, expected: str | None) -> None:
    rules = replace(OPEN_TO_THIS_MACHINE, hosts=frozenset({"a.example"}))
    client = TestClient(create_app(site_of(rules=rules)), base_url=base)
    assert client.get("/-/healthy").headers.get(HSTS) == expected


def test_configured_headers_are_set_and_the_strict_policy_stays() -> None:
    headers = {
        "Strict-Transport-Security": "max-age=300",
        "X-Frame-Options": "deny",
        "Content-Security-Policy": "default-src *; script-src 'unsafe-inline'",
    }
    for path in ("/", "/api/v1/domains", "/static/style.css", "/nowhere"):
        got = reader(site_of(rules=replace(OPEN_TO_THIS_MACHINE, headers=headers))).get(path)
        assert (got.headers[HSTS], got.headers["x-frame-options"]) == ("max-age=300", "deny")
        first, second = got.headers.get_list("content-security-policy")
        assert first.startswith("default-src 'none'")
        assert second == headers["Content-Security-Policy"], "a browser keeps to both"
