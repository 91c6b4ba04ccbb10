import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.adapters.inventory.credentials import (
    CredentialsUnavailable,
    EnvironmentCredentials,
    FileCredentials,
    StaticCredentials,
)
from monitor.adapters.inventory.role import EcsRoleCredentials
from monitor.adapters.resolvers.carriers import CARRIERS
from monitor.adapters.stores.session import Access
from monitor.assembly.parts import (
    NotAvailable,
    Surroundings,
    abreast_of,
    ask_alike,
    credentials_of,
    delegation_policy_of,
    inventories_of,
    resolvers_of,
    round_policy_of,
)
from monitor.assembly.stores import store_of
from monitor.config import parse
from monitor.core.names import DomainName
from monitor.core.servers import Transport
from monitor.logs import HIDDEN, Secrets
from tests.fakes.clock import FakeClock

ACCOUNT = '[[accounts]]\nname = "a"\nendpoint = "oss-cn-hangzhou.aliyuncs.com"\n'


def around(environ: Mapping[str, str] | None = None) -> Surroundings:
    return Surroundings(FakeClock(), environ or {}, Secrets())


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ('"env"', EnvironmentCredentials),
        ('{ kind = "file", path = "keys.json" }', FileCredentials),
        ('{ kind = "ecs_role", role = "monitor" }', EcsRoleCredentials),
        (
            '{ kind = "static", access_key_id = { env = "I" }, access_key_secret = { env = "S"} }',
            StaticCredentials,
        ),
    ],
    ids=["env", "file", "ecs_role", "static"],
)
def test_every_kind_of_credentials_becomes_a_provider(written: str, kind: type) -> None:
    (account,) = parse(f"{ACCOUNT}credentials = {written}", {}).accounts
    assert isinstance(credentials_of(account.credentials, around()), kind)


def test_a_revealed_secret_is_masked_in_logs_from_then_on() -> None:
    text = (
        f"{ACCOUNT}credentials = {{ kind = 'static', access_key_id = {{ env = 'ID' }}, "
        "access_key_secret = { env = 'S' }, security_token = { env = 'T' } }"
    )
    surroundings = around({"ID": "the-key-id", "S": "the-secret", "T": "the-token"})
    (account,) = parse(text, {}).accounts
    found = credentials_of(account.credentials, surroundings).get_credentials()
    assert (found.access_key_id, found.security_token) == ("the-key-id", "the-token")
    assert surroundings.secrets.masked("x the-secret y") == f"x {HIDDEN} y"


def test_a_secret_that_is_nowhere_is_missing_credentials() -> None:
    text = (
        f"{ACCOUNT}credentials = {{ kind = 'static', access_key_id = {{ env = 'ID' }}, "
        "access_key_secret = { env = 'S' } }"
    )
    (account,) = parse(text, {}).accounts
    with pytest.raises(CredentialsUnavailable, match="ID is not set"):
        credentials_of(account.credentials, around()).get_credentials()


def test_the_configuration_is_the_first_inventory_and_accounts_follow() -> None:
    accounts = [i.account for i in inventories_of(parse(ACCOUNT, {}), around())]
    assert accounts == ["config", "a"]


def test_servers_given_for_a_zone_overrule_the_search() -> None:
    text = '[authority]\nservers = { "shop.example" = ["192.0.2.1:53", "[2001:db8::1]:5353"] }'
    (fixed,) = delegation_policy_of(parse(text, {})).fixed
    assert fixed.zone == DomainName("shop.example")
    assert [(a.address, a.port) for a in fixed.authorities] == [
        ("192.0.2.1", 53),
        ("2001:db8::1", 5353),
    ]


def test_resolvers_share_what_may_be_in_flight() -> None:
    six = "".join(
        f'[[resolvers]]\nname = "r{n}"\naddress = "192.0.2.{n}"\nweight = {n}\n'
        for n in range(1, 7)
    )
    settings = parse(f"[schedule]\nmax_in_flight = 60\n{six}", {})
    assert abreast_of(settings) == 10
    assert len(resolvers_of(settings)) == 6
    policy = round_policy_of(settings)
    assert policy.status.weights["r6"] == 6.0
    assert policy.status.window == timedelta(hours=72)


def test_postgresql_without_its_library_is_not_available_and_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = parse('[daemon]\ndatabase = "postgresql://127.0.0.1/x"', {})
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "monitor.adapters.stores.postgresql", raising=False)
    monkeypatch.delitem(sys.modules, "monitor.adapters.stores.connection", raising=False)
    with pytest.raises(NotAvailable, match=r"extra \[postgresql\]"):
        store_of(settings, Access.WRITE, around())


def test_libraries_that_few_have_a_use_for_are_loaded_by_nobody_else() -> None:
    few = {"psycopg", "httpx2", "aioquic", "apprise"}
    code = f"import sys, monitor.assembly.daemon; print({few} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_resolver_that_needs_a_library_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(CARRIERS, Transport.DOQ)
    resolver = '[[resolvers]]\nname = "far"\naddress = "192.0.2.1"\ntransport = '
    with pytest.raises(NotAvailable, match=r"^far: doq needs .* install dnspython\[doq\]$"):
        resolvers_of(parse(f'{resolver}"doq"', {}))
    assert [r.name for r in resolvers_of(parse(f'{resolver}"dot"', {}))] == ["far"]


async def test_a_relative_database_is_in_the_working_directory(tmp_path: Path) -> None:
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        store = store_of(parse("", {}), Access.WRITE, around())
        await store.load()
        await store.close()
    finally:
        os.chdir(here)
    assert (tmp_path / "oss-cname-monitor.db").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[[bindings]]\ndomain = "img.example"\ntarget = "x.example"',
        '[[accounts]]\nname = "a"\nregion = "cn-x"\nendpoint = "oss-cn-x.aliyuncs.com"',
        '[alerting]\nremind = "1h"',
        '[daemon]\nlang = "zh"',
        "[http_check]\nenabled = true",
    ],
)
def test_settings_that_say_nothing_of_asking_and_judging_ask_alike(text: str) -> None:
    assert ask_alike(parse("", {}), parse(text, {}))


@pytest.mark.parametrize(
    "text",
    [
        '[[resolvers]]\nname = "a"\naddress = "127.0.0.1"',
        "[authority]\nmax_qps = 7",
        '[schedule]\ntimeout = "3s"',
        "[targets]\naccept_classes = []",
        '[propagation]\nwindow = "48h"',
        "[alerting]\nfail_after = 3",
        "[alerting]\nmin_coverage = 0.7",
        '[distributed]\nnats_url = "nats://127.0.0.1:1"',
    ],
)
def test_settings_that_ask_or_judge_otherwise_are_told_apart(text: str) -> None:
    assert not ask_alike(parse("", {}), parse(text, {}))
