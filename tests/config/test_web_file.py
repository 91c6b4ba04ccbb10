"""The web configuration file: exporter-toolkit's keys in YAML, and ours."""

from pathlib import Path

import pytest

from monitor.config import ConfigError, parse, web_of
from monitor.config.secret import SecretInFile
from monitor.config.web import ClientAuth, Scope, Web
from monitor.config.web_file import load_web, parse_web

HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
TOOLKIT = f"""
tls_server_config:
  cert_file: tls.pem
  key_file: /etc/ssl/tls.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: clients.pem
  min_version: TLS13
http_server_config:
  http2: true
  headers:
    Strict-Transport-Security: max-age=300
basic_auth_users:
  alice: {HASH}
  123: {HASH}
"""
OURS = """
tokens:
  - name: deploy
    token: {file: deploy.token}
    scopes: [read, write]
hosts: [cname.example.com]
"""


def faults(text: str) -> list[tuple[int | None, int | None, str, str]]:
    with pytest.raises(ConfigError) as caught:
        parse_web(text, "web.yml")
    assert all(fault.hint and fault.source == "web.yml" for fault in caught.value.faults)
    return [(f.line, f.column, f.path, f.message) for f in caught.value.faults]


def written(folder: Path, text: str) -> Path:
    file = folder / "web.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_of_exporter_toolkit_is_read_as_it_stands(tmp_path: Path) -> None:
    web = load_web(written(tmp_path, TOOLKIT))
    tls = web.tls_server_config
    assert tls is not None
    assert (tls.cert_file, str(tls.key_file)) == (tmp_path / "tls.pem", "/etc/ssl/tls.key")
    assert tls.client_ca_file == tmp_path / "clients.pem"
    assert tls.client_auth_type is ClientAuth.REQUIRED
    assert set(web.basic_auth_users) == {"alice", "123"}
    assert web.basic_auth_users["alice"].text == HASH
    assert HASH not in repr(web)
    assert web.http_server_config.headers == {"Strict-Transport-Security": "max-age=300"}


def test_our_own_keys_may_stand_in_it_too(tmp_path: Path) -> None:
    web = load_web(written(tmp_path, TOOLKIT + OURS))
    (token,) = web.tokens
    assert token.token == SecretInFile(tmp_path / "deploy.token")
    assert set(token.scopes) == {Scope.READ, Scope.WRITE}
    assert web.hosts == ("cname.example.com",)


def test_an_empty_file_says_nothing() -> None:
    assert parse_web("# nothing\n", "web.yml") == Web()


def test_the_file_and_the_section_are_taken_together(tmp_path: Path) -> None:
    file = written(tmp_path, f"basic_auth_users: {{alice: {HASH}}}")
    settings = parse(f'[daemon]\nweb_config = "{file}"\n[web]\nhosts = ["a.example"]', {})
    web = web_of(settings)
    assert (set(web.basic_auth_users), web.hosts) == ({"alice"}, ("a.example",))


def test_a_key_in_both_places_is_a_fault(tmp_path: Path) -> None:
    file = written(tmp_path, "hosts: [b.example]")
    settings = parse(f'[daemon]\nweb_config = "{file}"\n[web]\nhosts = ["a.example"]', {})
    with pytest.raises(ConfigError, match=r"web.hosts: is in .*web.yml too"):
        web_of(settings)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere.yml: cannot be read: No such file"):
        load_web(tmp_path / "nowhere.yml")
    (tmp_path / "latin.yml").write_bytes(b"hosts: \xff")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load_web(tmp_path / "latin.yml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("basic_auth_user: {}", [(1, 1, "basic_auth_user", "is no key that is known here")]),
        (
            "hosts: [a.example]\ntls_server_config:\n  cert_file: a.pem\n",
            [(2, 1, "tls_server_config.key_file", "is missing")],
        ),
        (
            "basic_auth_users:\n  alice: CANARY\n",
            [
                (
                    2,
                    10,
                    "basic_auth_users.alice",
                    "must be a bcrypt hash (not shown: it may be a password)",
                )
            ],
        ),
        ("hosts: []\nhosts: [a]\n", [(2, 1, "hosts", "stands here twice")]),
        ("hosts: &a [*a]\n", [(1, 1, "hosts[0]", "uses an alias (*), which is not read here")]),
        ("hosts: !!python/name:os.system x\n", [(1, 8, "", "is no YAML: ")]),
        ("hosts: [a.example\n", [(2, 1, "", "is no YAML: ")]),
        ("hosts: 2026-99-99\n", [(None, None, "", "is no YAML")]),
        ("[" * 5000, [(None, None, "", "is no YAML")]),
        ("- a\n", [(1, 1, "", "must be a table (got a list)")]),
        (
            "tokens:\n  - {name: a, token: {env: A}}\n  - {name: a, token: {env: B}}\n",
            [(3, 12, "tokens[1].name", 'is the same as in web.tokens[0] (got "a")')],
        ),
    ],
    ids=[
        "key", "missing", "password", "twice", "alias", "tag",
        "syntax", "date", "depth", "list", "name twice",
    ],
)  # fmt: skip
def test_what_is_wrong_with_it_is_told_with_its_place(
    text: str, expected: list[tuple[int | None, int | None, str, str]]
) -> None:
    told = faults(text)
    assert [fault[:3] for fault in told] == [fault[:3] for fault in expected]
    for fault, wanted in zip(told, expected, strict=True):
        assert fault[3].startswith(wanted[3])
        assert "CANARY" not in fault[3]
