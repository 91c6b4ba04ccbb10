import pytest

from monitor.config import ConfigError, url_of_option


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("http://127.0.0.1:9953", "http://127.0.0.1:9953"),
        ("https://dns.example/monitor/", "https://dns.example/monitor"),
        ("https://[::1]:9953", "https://[::1]:9953"),
    ],
)
def test_a_url_is_taken_without_its_final_slash(written: str, url: str) -> None:
    assert url_of_option("--url", written) == url


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("https://alice:canary@dns.example", "must not hold a user or a password"),
        ("https://canary@dns.example", "must not hold a user or a password"),
        ("alice:canary@dns.example", "must not hold a user or a password"),
        ("https://alice:/canary@dns.example", "must not hold a user or a password"),
        ("https://alice:can/ary@dns.example", "must not hold a user or a password"),
        ("https://dns.example/?token=canary", "must not hold a query"),
        ("https://dns.example/#canary", "must not hold a query"),
        ("https://alice:canary", "is no URL"),
        ("https://[canary", "is no URL"),
        ("ftp://dns.example", "must begin with http:// or https:// and a host"),
        ("dns.example:9953", "must begin with http:// or https:// and a host"),
    ],
)
def test_what_is_no_url_of_a_daemon_is_refused_without_what_may_be_secret(
    written: str, complaint: str
) -> None:
    with pytest.raises(ConfigError) as error:
        url_of_option("--url", written)
    assert str(error.value).startswith(f"--url: {complaint}")
    assert "hint: " in str(error.value)
    for part in ("canary", "alice", "ary"):
        assert part not in str(error.value)
    assert error.value.__cause__ is None
