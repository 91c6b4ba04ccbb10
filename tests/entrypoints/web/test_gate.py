"""Who is let in to what, and what those are told who are not."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import bcrypt
import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from monitor.core.tracking.changes import Change
from monitor.entrypoints.web.access import OPEN_TO_THIS_MACHINE, Rules, Scope
from monitor.entrypoints.web.app import create_app
from monitor.entrypoints.web.gate import Access
from monitor.usecases.announce import Announcement, NotAnnounced
from monitor.wording import Language, wording
from tests.entrypoints.sample import IMG
from tests.entrypoints.web.worlds import LISTENER, access_of, reader, site_of

PROBLEM = "application/problem+json"
HASH = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
ALICE = ("alice", "open sesame")
READ, WRITE, BOTH = "r" * 32, "w" * 32, "b" * 32

ABROAD = "http://192.0.2.7:9953"
PATHS = (
    "/",
    f"/domains/{IMG}",
    "/resolvers",
    "/metrics",
    "/api/v1/domains",
    f"/api/v1/domains/{IMG}",
    f"/api/v1/domains/{IMG}/history",
    "/api/v1/changes",
    "/api/v1/changes/X",
    "/api/v1/resolvers",
    "/api/v1/inventory",
    "/nowhere",
    "/-/nowhere",
)


class Door:
    """A site with users and tokens, whoever asks it, and what was announced and refused."""

    def __init__(self, **changes: Any) -> None:
        self.refused = Counter[str]()
        self.announced: list[Announcement] = []
        access = access_of(count=lambda reason: self.refused.update([reason]))
        ring = access.ring
        tokens = (
            ring.token("grafana", READ, {Scope.READ}),
            ring.token("hook", WRITE, {Scope.WRITE}),
            ring.token("deploy", BOTH, set(Scope)),
        )
        self.rules = replace(
            Rules(users={"alice": HASH}, tokens=tokens, knows_anybody=True), **changes
        )
        self.access = Access(lambda: self.rules, access.passwords, ring, access.refusals)

    def client(self, base: str = LISTENER, **headers: str) -> TestClient:
        site = replace(site_of(), access=self.access, announce=self._announce)
        return TestClient(
            create_app(site),
            base_url=base,
            headers=headers,
            raise_server_exceptions=False,
            follow_redirects=False,
        )

    async def _announce(self, announcement: Announcement) -> Change:
        self.announced.append(announcement)
        raise NotAnnounced("it is only noted")


def bearer(token: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {token}"}


def document(**more: str) -> Mapping[str, str]:
    return {"domain": "img.shop.example", "to": "x.example", **more}


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_shown_to_who_does_not_say_who_they_are(path: str) -> None:
    door = Door()
    reply = door.client().get(path)
    assert reply.status_code == 401
    assert str(IMG) not in reply.text.replace(path, "")
    assert reply.headers.get_list("www-authenticate") == [
        'Basic realm="oss-cname-monitor", charset="UTF-8"',
        'Bearer realm="oss-cname-monitor"',
    ]
    is_for_scripts = path.startswith(("/api/", "/-/", "/metrics"))
    assert reply.headers["content-type"].startswith(PROBLEM if is_for_scripts else "text/html")
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert door.refused == {"no_credentials": 1}


@pytest.mark.parametrize("path", PATHS)
def test_a_user_and_a_token_that_may_read_are_shown_everything(path: str) -> None:
    client = Door().client()
    for headers in ({}, bearer(READ), bearer(BOTH)):
        auth = None if headers else ALICE
        assert client.get(path, auth=auth, headers=headers).status_code in {200, 404}


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready", "/static/style.css"])
def test_probes_and_the_look_of_pages_need_no_credentials(path: str) -> None:
    assert Door().client().get(path).status_code == 200
    assert Door().client(Host="evil.example").get(path).status_code == 200


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"authorization": "Basic YWxpY2U6d3Jvbmc="}, "bad_credentials"),  # alice:wrong
        ({"authorization": "Basic bm9ib2R5Og=="}, "bad_credentials"),  # nobody:
        ({"authorization": "Basic !!"}, "bad_credentials"),
        ({"authorization": "Basic YWxpY2U="}, "bad_credentials"),  # no colon
        ({"authorization": "Basic //79Og=="}, "bad_credentials"),  # no UTF-8
        ({"authorization": ""}, "bad_credentials"),
        ({"authorization": "Digest username=alice"}, "bad_credentials"),
        ({"authorization": "Bearer"}, "bad_token"),
        ({"authorization": "Bearer wrong"}, "bad_token"),
        ({"authorization": f"Bearer {READ} {WRITE}"}, "bad_token"),
    ],
)
def test_wrong_credentials_are_refused_and_counted(
    headers: Mapping[str, str], reason: str
) -> None:
    for door in (Door(), Door(may_anybody_read=True)):
        with capture_logs() as lines:
            reply = door.client().get("/api/v1/domains", headers=headers)
        assert reply.status_code == 401
        (line,) = lines
        assert (line["event"], line["reason"]) == ("web.refused", reason)
        assert "wrong" not in str(line)
        assert READ not in str(line)
        assert "www-authenticate" in reply.headers
        assert door.refused == {reason: 1}


def test_two_sets_of_credentials_are_none() -> None:
    headers = [("authorization", f"Bearer {READ}"), ("authorization", f"Bearer {BOTH}")]
    reply = Door().client().get("/api/v1/domains", headers=headers)
    assert reply.status_code == 401


def test_an_unknown_token_is_told_so_as_rfc_6750_has_it() -> None:
    reply = Door().client().get("/metrics", headers=bearer("wrong"))
    assert reply.headers["www-authenticate"].endswith('error="invalid_token"')


def test_a_token_does_what_its_scopes_say_and_no_more() -> None:
    door = Door()
    client = door.client()
    assert client.get("/api/v1/changes", headers=bearer(WRITE)).status_code == 403
    refused = client.post("/api/v1/changes", json=document(), headers=bearer(READ))
    assert refused.status_code == 403
    assert refused.headers["www-authenticate"].endswith('scope="write"')
    assert "no scope write" in refused.json()["detail"]
    assert door.refused == {"scope": 2}
    assert not door.announced
    for token in (WRITE, BOTH):
        assert client.post("/api/v1/changes", json=document(), headers=bearer(token)).is_error
    assert len(door.announced) == 2


def test_the_audit_has_the_name_of_who_wrote_unless_it_was_given() -> None:
    door = Door()
    client = door.client()
    client.post("/api/v1/changes", json=document(), headers=bearer(BOTH))
    client.post("/api/v1/changes", json=document(), auth=ALICE)
    client.post("/api/v1/changes", json=document(by="ops"), auth=ALICE)
    assert [announcement.by for announcement in door.announced] == ["deploy", "alice", "ops"]


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}],
)
def test_a_browser_that_another_site_sent_writes_nothing_but_a_token_does(
    headers: Mapping[str, str],
) -> None:
    door = Door()
    client = door.client()
    refused = client.post("/api/v1/changes", json=document(), auth=ALICE, headers=headers)
    assert refused.status_code == 403
    assert door.refused == {"cross_site": 1}
    assert not door.announced
    client.post("/api/v1/changes", json=document(), headers={**headers, **bearer(BOTH)})
    assert len(door.announced) == 1


def test_anybody_may_read_where_that_is_said_but_not_write() -> None:
    door = Door(may_anybody_read=True)
    client = door.client()
    assert client.get("/api/v1/domains").status_code == 200
    assert client.get("/").status_code == 200
    assert client.post("/api/v1/changes", json=document()).status_code == 401
    assert client.post("/-/reload").status_code == 401
    assert client.delete("/api/v1/changes").status_code == 401
    assert not door.announced


def test_without_users_nobody_writes_off_loopback_and_there_is_nothing_to_show() -> None:
    door = Door(users={}, tokens=(), knows_anybody=False, may_anybody_read=True)
    client = door.client(ABROAD)
    assert client.get("/", headers=bearer("any")).status_code == 200
    reply = client.post("/api/v1/changes", json=document())
    assert reply.status_code == 403
    assert "www-authenticate" not in reply.headers
    assert door.refused == {"nobody_may_write": 1}


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "203.0.113.9"},
        {"forwarded": "for=203.0.113.9"},
        {"via": "1.1 proxy"},
        {"host": "cname.example.com"},
    ],
)
def test_what_a_proxy_brings_is_not_this_machine_asking_itself(
    headers: Mapping[str, str],
) -> None:
    open_here = replace(OPEN_TO_THIS_MACHINE, hosts=frozenset({"cname.example.com"}))
    client = reader(site_of(rules=open_here), headers)
    assert client.get("/api/v1/domains").status_code == 200
    assert client.post("/-/reload").status_code == 403


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host", ["rebound.evil.example:9953", "127.0.0.1.evil.example", "192.0.2.7", "[::ffff"]
)
def test_a_name_that_was_made_to_lead_here_is_refused_for_reading_too(
    path: str, host: str
) -> None:
    reply = reader(site_of(), {"host": host}).get(path)
    assert reply.status_code == 403
    assert str(IMG) not in reply.text.replace(path, "")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9953", "127.0.0.1", "127.8.8.8:1", "[::1]:9953", "a.example"]
)
def test_names_of_this_machine_and_those_that_are_listed_are_ours(host: str) -> None:
    rules = replace(OPEN_TO_THIS_MACHINE, hosts=frozenset({"a.example"}))
    assert reader(site_of(rules=rules), {"host": host}).get("/").status_code == 200


def test_off_loopback_names_matter_only_where_they_are_listed() -> None:
    anyone = Rules(may_anybody_read=True)
    listed = replace(anyone, hosts=frozenset({"a.example"}), only_hosts=True)
    for rules, host, expected in (
        (anyone, "b.example", 200),
        (listed, "b.example", 403),
        (listed, "a.example:9953", 200),
        (listed, "192.0.2.7:9953", 200),  # an address cannot be made to lead elsewhere
    ):
        client = TestClient(create_app(site_of(rules=rules)), base_url=ABROAD)
        assert client.get("/", headers={"host": host}).status_code == expected, (host, rules)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize(
    ("title", "detail", "ask"),
    [
        ("denied_401", "denied_no_credentials", {}),
        ("denied_401", "denied_bad_credentials", {"authorization": "Basic YTpi"}),
        ("denied_401", "denied_bad_token", bearer("wrong")),
        ("denied_403", "denied_scope", bearer(WRITE)),
        ("denied_403", "denied_foreign_host", {"host": "evil.example"}),
    ],
)
def test_a_page_says_in_the_readers_language_why_it_is_not_shown(
    language: Language, title: str, detail: str, ask: Mapping[str, str]
) -> None:
    html = Door().client().get("/", headers={**ask, "accept-language": language.value}).text
    words = wording(language)
    assert f"<h1>{words.word(title)}</h1>" in html
    assert f"<p><bdi>{words.word(detail)}</bdi></p>" in html
    assert "/static/style.css" in html


def test_too_many_passwords_at_once_are_asked_to_come_again() -> None:
    door = Door()
    door.access.passwords._waiting = 16
    for path in ("/", "/metrics"):
        reply = door.client().get(path, auth=ALICE)
        assert (reply.status_code, reply.headers["retry-after"]) == (429, "1")
    assert door.refused == {"too_many_attempts": 2}


def test_a_request_with_no_name_at_all_is_refused() -> None:
    assert reader(site_of()).get("/", headers={"host": ""}).status_code == 403
