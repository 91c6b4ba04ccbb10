import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest

from monitor.core.answers import Answer, ExtendedError, Rcode
from monitor.core.events import GENESIS, Event, EventType, Record, seal
from monitor.core.names import DomainName
from monitor.core.state import State
from monitor.core.tracking.changes import ChangeState
from monitor.core.tracking.tracks import TrackState
from monitor.core.tracking.values import alias
from monitor.core.views import View
from monitor.usecases.snapshot import Snapshot
from monitor.wording import Language, wording
from tests.contracts.followed import stages
from tests.entrypoints.sample import (
    CDN,
    IMG,
    NOW,
    OLD,
    RESOLVERS,
    SHOP,
    TELECOM,
    TWICE,
    UNICOM,
    WILDCARD,
    chain,
    sample_snapshot,
    with_answer,
)
from tests.entrypoints.web.worlds import reader, site_of, snapshot_with, unreadable

HOSTILE = "<script>alert(1)</script>\"'&\u202e\x1b[31m"
LANGUAGES = [language.value for language in Language]


def page(path: str, **parameters: str) -> str:
    reply = reader(site_of()).get(path, params=parameters)
    assert reply.status_code == 200, reply.text
    return reply.text


def needs(html: str) -> str:
    return html.partition('<ul class="needs">')[2].partition("</section>")[0]


def test_the_overview_begins_with_the_most_urgent_domain() -> None:
    listed = needs(page("/"))
    names = [str(name) for name in (OLD, SHOP, CDN, "xn--wcsw84d.xn--czrs0t.example", TWICE)]
    places = [listed.index(f"/domains/{name}") for name in names]
    assert places == sorted(places)
    assert str(IMG) not in listed


def test_a_need_says_what_is_wrong_and_what_to_do() -> None:
    listed = needs(page("/"))
    assert "5 of 6 resolvers: The chain ends at legacy.gone.example" in listed
    assert "Add a CNAME from old.shop.example to shop-archive.oss-cn-hangzhou" in listed
    assert "the binding is disabled at OSS" in listed


def test_whoever_waits_for_caches_is_not_told_to_change_a_record_that_is_right() -> None:
    for html in (needs(page("/", q="")), page(f"/domains/{CDN}")):
        assert "Nothing but wait" in html
        assert f"Change the CNAME of {CDN}" not in html


def test_a_cache_that_is_late_beyond_the_window_is_told_from_a_wrong_record() -> None:
    state = sample_snapshot().state.domains[CDN]
    long_ago = NOW - timedelta(hours=73)

    def aged(views: Mapping[str, View]) -> Mapping[str, View]:
        return {n: replace(v, since=long_ago, meant_since=long_ago) for n, v in views.items()}

    late = replace(state, resolvers=aged(state.resolvers), authorities=aged(state.authorities))
    html = reader(site_of(snapshot_with(late))).get(f"/domains/{CDN}").text
    assert "ask its operator to flush its cache" in html


def test_a_row_counts_who_says_what_with_shape_and_word_wrong_answers_first() -> None:
    row = page("/", q=str(CDN)).partition('<th scope="row">')[2].partition("</tr>")[0]
    said = re.findall(
        r'aria-hidden="true">(\S)</span> ([a-z ]+?) ?(?:<span class="times">(×\d)|<)', row
    )
    assert said[1:] == [
        ("✖", "other bucket", "×2"),
        ("?", "timeout", ""),
        ("✔", "in effect", "×3"),
    ]


@pytest.mark.parametrize(
    ("domains", "answer"),
    [
        ((IMG,), "Yes: at each of 1 domains"),
        ((IMG, CDN), "Not yet: 1 of 2 domains"),
        ((IMG, CDN, OLD), "No: 1 of 3 domains"),
    ],
)
def test_the_overview_answers_its_question_first(
    domains: tuple[DomainName, ...], answer: str
) -> None:
    sample = sample_snapshot()
    some = {name: sample.state.domains[name] for name in domains}
    html = reader(site_of(replace(sample, state=State(domains=some)))).get("/").text
    assert answer in html.partition('<p class="headline')[2].partition("</p>")[0]


def test_counts_are_links_that_filter() -> None:
    html = page("/")
    assert '<a href="/?status=broken"><b>1</b>' in html
    assert '<a href="/" aria-current="true"><b>8</b> all' in html
    filtered = page("/", status="broken")
    assert str(OLD) in filtered
    assert str(IMG) not in filtered
    assert "1 of 8 domains" in filtered


def test_a_search_finds_a_domain_by_its_unicode_name_or_its_bucket() -> None:
    assert "图片.商店.example" in page("/", q="商店")
    assert str(IMG) in page("/", q="SHOP-IMG")
    assert "No domain matches." in page("/", q="nowhere")


def test_pages_of_a_hundred_lead_to_one_another() -> None:
    sample = sample_snapshot().state.domains[IMG]
    names = [DomainName(f"d{number:03}.shop.example") for number in range(120)]
    domains = {name: replace(sample, domain=name) for name in names}
    site = site_of(Snapshot(NOW, State(domains=domains), RESOLVERS))
    first = reader(site).get("/", params={"q": "shop.example"}).text
    assert 'href="/?q=shop.example&amp;cursor=d099.shop.example" rel="next"' in first
    second = reader(site).get("/?q=shop.example&cursor=d099.shop.example").text
    assert second.count('<th scope="row"><a href="/domains/d') == 20
    assert 'href="/?q=shop.example">First page' in second


def test_a_fleet_without_troubles_and_one_without_domains_say_so() -> None:
    sample = sample_snapshot()
    calm = replace(sample, state=State(domains={IMG: sample.state.domains[IMG]}))
    assert "Everybody who answers reaches the right bucket" in reader(site_of(calm)).get("/").text
    empty = Snapshot(NOW, State(), ())
    assert "No domain is bound yet" in reader(site_of(empty)).get("/").text


def test_the_overview_shows_the_inventory_with_its_failures() -> None:
    html = page("/")
    assert "51 min ago" in html
    assert "shop-finance: denied" in html
    assert "oss:ListCname is not granted" in html
    assert "never" in html


def test_a_chain_is_drawn_once_for_all_who_say_it_with_the_deciding_name_marked() -> None:
    html = page(f"/domains/{CDN}")
    assert html.count('<ol class="chain">') == 2
    wrong = html.partition('<article class="card wrong">')[2].partition("</article>")[0]
    assert "unicom (cn-unicom), global (intl)" in wrong
    assert "CNAME · TTL 35–412" in wrong
    deciding = wrong.partition('deciding">')[2].partition("</li>")[0]
    assert "shop-cdn-2019.oss-cn-hangzhou.aliyuncs.com" in deciding
    assert "this name decides: wrong" in deciding
    assert "bucket-differs" in wrong


def test_addresses_without_a_cname_are_marked_as_what_decided() -> None:
    html = page(f"/domains/{SHOP}")
    assert '<span class="hop name deciding">198.51.100.7' in html
    assert '<span class="hop name deciding">203.0.113.80' in html
    assert '<td data-label="TTL" class="number">120</td>' in html, "theirs, for want of a CNAME's"


def test_that_a_name_does_not_exist_is_an_answer_without_a_chain() -> None:
    sample = sample_snapshot()
    state = with_answer(sample.state.domains[IMG], TELECOM, Answer(Rcode.NXDOMAIN))
    html = reader(site_of(snapshot_with(state))).get(f"/domains/{IMG}").text
    article = html.partition('<article class="card wrong">')[2].partition("</article>")[0]
    assert "does not exist (NXDOMAIN)" in article
    assert "No usable answer" not in article


def test_a_domain_page_shows_authorities_answers_and_history_in_words() -> None:
    html = page(f"/domains/{IMG}")
    assert "ns1.shop.example (192.0.2.201:53)" in html
    assert "hkg04.dns.example" in html
    assert '<time datetime="2026-03-14T09:26:53Z">2026-03-14 09:26:53</time>' in html
    assert "unknown → in effect: 5 of 5 answering reach the target, 6 asked" in html
    assert "cleared: its authoritative servers do not all give the same answer" in html
    assert "shop-img.oss-cn-hangzhou.aliyuncs.com (shop) → shop-cdn" in html


def test_a_disputed_domain_names_its_rivals() -> None:
    html = page(f"/domains/{TWICE}")
    assert "shop-a.oss-cn-hangzhou.aliyuncs.com" in html
    assert "shop-b.oss-cn-hangzhou.aliyuncs.com" in html


def test_a_history_that_cannot_be_read_leaves_the_rest_of_the_page() -> None:
    reply = reader(replace(site_of(), history=unreadable)).get(f"/domains/{IMG}")
    assert reply.status_code == 200
    assert "The history cannot be read now" in reply.text
    assert "secret.db" not in reply.text
    assert "shop-img.oss-cn-hangzhou.aliyuncs.com" in reply.text


def test_resolvers_are_shown_with_how_well_they_answer() -> None:
    html = page("/resolvers")
    assert "[2001:db8::53]:53" in html
    assert "https://dns.example/dns-query <small>doh" in html
    assert "ECS 198.51.100.0/24" in html
    assert "5 / 6" in html
    assert "silent" in html


@pytest.mark.parametrize("path", ["/domains/elsewhere.example", "/domains/a..b", "/nowhere"])
def test_what_does_not_exist_is_a_readable_page(path: str) -> None:
    reply = reader(site_of()).get(path)
    assert reply.status_code == 404
    assert "<h1>Not found</h1>" in reply.text


def test_a_filter_that_makes_no_sense_is_a_readable_page() -> None:
    reply = reader(site_of()).get("/?status=fine")
    assert reply.status_code == 400
    assert "one of in_effect, propagating" in reply.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_exists_in_every_language(language: str) -> None:
    client = reader(site_of())
    paths = ["/", "/?status=paused", "/resolvers"]
    paths += [f"/domains/{domain.domain}" for domain in sample_snapshot().domains]
    for path in paths:
        reply = client.get(path, params={"lang": language})
        assert reply.status_code == 200, path
        assert f'<html lang="{"zh-Hans" if language == "zh" else "en"}">' in reply.text
    missing = client.get("/nowhere", params={"lang": language})
    assert wording(Language(language)).word("no_such_page") in missing.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_event_has_words(language: str) -> None:
    events = [Event(kind, NOW, IMG, data={"state": "raised"}) for kind in EventType]

    async def history(
        _domain: DomainName, _limit: int, before: int | None = None
    ) -> tuple[Record, ...]:
        return tuple(seal(event, 1, GENESIS) for event in events)

    site = replace(site_of(), history=history)
    assert reader(site).get(f"/domains/{IMG}?lang={language}").status_code == 200


def test_text_from_the_network_is_shown_and_never_obeyed() -> None:
    name = "<img src=x onerror=alert(1)>.example"
    state = sample_snapshot().state.domains[IMG]
    state = with_answer(state, TELECOM, chain(IMG, name, nsid=HOSTILE))
    error = ExtendedError(22, HOSTILE)
    state = with_answer(state, UNICOM, Answer(Rcode.SERVFAIL, extended_errors=(error,)))
    client = reader(site_of(snapshot_with(state)))
    for path in (f"/domains/{IMG}", "/"):
        html = client.get(path).text
        assert "<img" not in html
        assert "<script>alert" not in html
        assert "onerror=alert(1)>" not in html
        assert "\u202e" not in html
        assert "\x1b" not in html
    html = client.get(f"/domains/{IMG}").text
    assert "&lt;img src=x onerror=alert(1)&gt;.example" in html
    assert "\\u{202e}" in html


def test_a_hostile_history_and_a_hostile_search_are_escaped() -> None:
    async def history(
        domain: DomainName, _limit: int, before: int | None = None
    ) -> tuple[Record, ...]:
        data = {"from": HOSTILE, "to": HOSTILE}
        return (seal(Event(EventType.STATUS, NOW, domain, data=data), 1, GENESIS),)

    client = reader(replace(site_of(), history=history))
    assert "<script>alert" not in client.get(f"/domains/{IMG}").text
    assert "<script>alert" not in client.get("/", params={"q": HOSTILE}).text
    assert "<script>alert" not in client.get(f"/domains/{quote(HOSTILE)}").text


def test_pages_ask_no_other_host_and_carry_no_inline_code() -> None:
    for path in ("/", "/resolvers", f"/domains/{CDN}", f"/domains/{WILDCARD}"):
        html = page(path)
        assert "style=" not in html
        assert 'href="http' not in html
        assert 'src="http' not in html
        assert html.count("<script") == html.count('<script src="/static/')


@pytest.mark.parametrize("name", ["style.css", "curve.css", "live.js", "icon.svg"])
def test_what_pages_refer_to_is_served(name: str) -> None:
    reply = reader(site_of()).get(f"/static/{name}")
    assert reply.status_code == 200
    assert "://" not in reply.text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_domain_whose_record_changes_shows_who_is_late_why_and_until_when(
    language: str,
) -> None:
    record = next(
        kept
        for kept in reversed(stages(IMG))
        if kept.change
        and kept.change.state is ChangeState.PROPAGATING
        and any(t.state is TrackState.UNREACHABLE for t in kept.change.tracks.values())
    )
    domain = sample_snapshot().state.domains[IMG]
    shown = snapshot_with(replace(domain, records={record.key: record}))
    page = reader(site_of(shown)).get(f"/domains/{IMG}?lang={language}").text
    words = wording(Language(language))
    assert "old.example" in page and "new.example" in page and "ops" in page
    assert words.change_state(ChangeState.PROPAGATING) in page
    assert words.track_state(TrackState.UNREACHABLE) in page
    assert words.word("not_verified") in page
    assert words.word("deadline") in page


def test_a_name_in_a_change_cannot_act_on_the_page() -> None:
    hostile = alias(DomainName("<script>alert(1)</script>.example"))
    record = stages(IMG)[-1]
    assert record.change is not None
    change = replace(record.change, old=hostile, by="<b>me</b>", note='"><img src=x>')
    domain = sample_snapshot().state.domains[IMG]
    shown = snapshot_with(replace(domain, records={record.key: replace(record, change=change)}))
    page = reader(site_of(shown)).get(f"/domains/{IMG}").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page and "<b>me" not in page and "<img src=x" not in page
