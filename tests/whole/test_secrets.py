"""Secrets of every kind go through a daemon and all that can fail; none of them comes out."""

import asyncio
import json
import re
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import quote

import bcrypt
import pytest
import requests

from monitor.adapters.clock import SystemClock
from monitor.demo.landscape import MODIFIED
from monitor.demo.world import World
from monitor.demo.zones import RRset, Zone
from tests.cli.commands import environment, run
from tests.cli.daemon_process import Running, running
from tests.servers.authorities import Issuer
from tests.servers.endpoints import free_endpoint
from tests.servers.http_service import HttpService, Reaction, Resets, Says, Seen, http_service
from tests.whole.leaks import Leak, Planted, leaks, planted
from tests.whole.shop import PACE, eventually

# Hosts of chat services, which the world leads to where nobody listens.
CHATS = ("dingtalk.com", "qq.com", "feishu.cn", "larksuite.com", "slack.com")
NOWHERE = "127.0.0.254"

ODD = "/+ &'\""  # what is written otherwise in a URL, in JSON and in HTML

# Configurations with a secret in the wrong place; the daemon is asked to take each of them.
WRONG = (
    '[[accounts]]\nname = "x"\ncredentials = {{ kind = "static", access_key_id = "{}" }}',
    '[[accounts]]\nname = "x"\ncredentials = "{}"',
    '[[accounts]]\nname = "x"\naccess_key_secret = "{}"',
    '[[bindings]]\ndomain = "user:{}@img.example.com"',
    '[targets]\naccept = ["u:{}@*.example.com"]',
    '[[resolvers]]\nname = "x"\naddress = "https://u:{}@dns.example.com/dns-query"',
    '[alerting]\nchannels = ["slack://{}"]',
    '[[alerting.channels]]\nname = "x"\nurl = "{}"',
    '[[alerting.channels]]\nname = "x"\nurl = "dingtalk://u:{}!!/"',
    '[[alerting.channels]]\nname = "x"\nurl = {{ env = "{}" }}',
    '[alerting.alertmanager]\nurls = ["http://u:{}@127.0.0.1:9093"]',
    '[distributed]\nnats_url = "nats://u:{}@127.0.0.1:4222"',
    '[distributed]\nnats_url = "nats://127.0.0.1:4222"\ncredentials = "{}"',
    '[daemon]\ndatabase = "postgresql://u:{}@127.0.0.1:1/x"',
    '[daemon]\nlisten = "u:{}@127.0.0.1:1"',
    '[daemon]\nexternal_url = "https://u:{}@a.example/"',
    '[web]\nbasic_auth_users = {{ x = "{}" }}',
    '[[web.tokens]]\nname = "x"\ntoken = "{}"',
    '[web.http_server_config]\nheaders = {{ X-Frame-Options = "{}" }}',
    '[http_check]\npassword = "{}"',
    '[schedule]\ntimeout = "{}" "{}"',
    "[retention]\ntoken = '''{}'''",
    '[maintenance]\npassword = "{}"',
    '[authority]\nservers = "https://u:{}@a.example"',
    '[propagation]\nsecret = "{}"',
)


@dataclass(slots=True)
class Safe:
    """All secrets of a run, by their kinds."""

    known: dict[str, Planted] = field(default_factory=dict)

    def new(self, kind: str, belongs: str = "", middle: str = "-") -> str:
        self.known[kind] = planted(kind, belongs, middle)
        return self.known[kind].text

    def note(self, kind: str, text: str) -> str:
        self.known[kind] = Planted(kind, text)
        return text

    def but_for(self, service: str) -> list[Planted]:
        return [secret for secret in self.known.values() if secret.belongs != service]


@dataclass(slots=True)
class Stage:
    """A daemon with secrets of all kinds, whom it talks to, and what came out so far."""

    safe: Safe
    world: World
    folder: Path
    services: Mapping[str, HttpService]
    issuer: Issuer
    config: str = ""
    environ: dict[str, str] = field(default_factory=dict)
    given_out: dict[str, bytes] = field(default_factory=dict)
    daemon: Running = field(init=False)

    @property
    def url(self) -> str:
        return self.daemon.url.replace("http:", "https:")

    async def ask(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        """Ask the daemon as somebody whom it knows, and keep all that it says."""
        known = {"Authorization": f"Bearer {self.safe.known['web token in a file'].text}"}
        answer = await asyncio.to_thread(
            requests.request,
            method,
            self.url + path,
            headers=known | headers,
            verify=str(self.issuer.file),
            timeout=60,
            allow_redirects=False,
        )
        said = json.dumps(dict(answer.headers)).encode() + answer.content
        self.keep(f"{method} {path} {sorted(headers)}", said)
        return answer

    async def command(self, *words: str, **more: str) -> int:
        """Run a command beside the daemon, and keep all that it says."""
        environ = {**self.environ, **more}
        done = await asyncio.to_thread(run, *words, at=self.folder, environ=environ)
        self.keep(" ".join(words), (done.out + done.err).encode())
        return done.code

    def keep(self, where: str, said: bytes) -> None:
        self.given_out[where] = self.given_out.get(where, b"") + said


def grumbling(safe: Safe) -> Iterator[Reaction]:
    """Yield what a service says that fails in every way, and repeats what it was told."""
    for number in count():
        told = " ".join(secret.text for secret in safe.known.values() if secret.belongs)
        yield (
            Says(
                403, f"<Error><Code>SignatureDoesNotMatch</Code><Message>{told}</Message></Error>"
            ),
            Says(500, told),
            Resets(),
            Says(200, told),
            Says(302, told, {"Location": f"http://127.0.0.1:1/{quote(told[:40])}"}),
            Says(400, json.dumps({"errcode": 1, "errmsg": told, "detail": told})),
        )[number % 6]


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Stage]:
    safe = Safe()
    grumbles, asked = grumbling(safe), count()

    def script(seen: Seen) -> Reaction:
        return next(grumbles)

    def role(_: Seen) -> Reaction:
        document = {
            "Code": "Success",
            "AccessKeyId": safe.known["key id of a role"].text,
            "AccessKeySecret": safe.known["key secret of a role"].text,
            "SecurityToken": safe.known["STS token of a role"].text,
            "Expiration": "2120-01-01T00:00:00Z",
        }
        # It fails at first, and says them all the same.
        return Says(200 if next(asked) > 3 else 500, json.dumps(document))

    async with AsyncExitStack() as stack:
        services = {
            name: stack.enter_context(http_service(role if name == "metadata" else script))
            for name in ("oss", "metadata", "hook", "mail", "alertmanager", "proxy")
        }
        world = await stack.enter_async_context(World(PACE, SystemClock().now))
        for authority in world.authorities:
            authority.zones += tuple(
                Zone.of(name, (RRset.of(f"*.{name}", "A", 60, NOWHERE),)) for name in CHATS
            )
        stage = Stage(safe, world, folder, services, Issuer(folder))
        _plant(stage)
        stage.daemon = await stack.enter_async_context(
            running(world, folder, stage.environ, lambda text: _configured(stage, text))
        )
        stage.config = (folder / "config.toml").read_text()
        await eventually(lambda: _is_ready(stage))
        yield stage


async def _is_ready(stage: Stage) -> bool:
    try:
        return (await stage.ask("-/ready")).ok
    except requests.ConnectionError:
        assert stage.daemon.process.returncode is None, stage.daemon.lines
        return False


def _plant(stage: Stage) -> None:
    """Put a secret of each kind where the configuration will say that it is."""
    new, folder = stage.safe.new, stage.folder
    hook, mail = stage.services["hook"].at, stage.services["mail"].at
    stage.environ |= {
        "STATIC_SECRET": new("static key secret", "oss"),
        "STATIC_TOKEN": new("static STS token", "oss"),
        "OSS_ACCESS_KEY_ID": new("key id in the environment", "oss"),
        "OSS_ACCESS_KEY_SECRET": new("key secret in the environment", "oss"),
        "OSS_SESSION_TOKEN": new("STS token in the environment", "oss"),
        "HOOK": f"webhook://{_quoted(new('hook secret', 'hook', ODD))}@{hook}/"
        f"{new('hook path', 'hook')}?key={new('hook query', 'hook')}",
        "MAIL": f"json://u:{_quoted(new('apprise password', 'mail', ODD))}@{mail}/x",
        "ALERTMANAGER": f"http://u:{_quoted(new('alertmanager password', 'alertmanager', ODD))}"
        f"@{stage.services['alertmanager'].at}",
        "WEB_TOKEN": new("web token in the environment"),
        "NATS": f"u:{new('NATS password')}",
        "HTTPS_PROXY": f"http://u:{new('proxy password', 'proxy')}@{stage.services['proxy'].at}",
        "NO_PROXY": "127.0.0.1,localhost",
        "PGPASSWORD": new("PostgreSQL password", "", ODD),
        "PYTHONFAULTHANDLER": "1",
    }
    files = {
        "static.id": new("static key id", "oss"),
        "role.json": json.dumps(
            {
                "AccessKeyId": new("key id in a file", "oss"),
                "AccessKeySecret": new("key secret in a file", "oss"),
                "SecurityToken": new("STS token in a file", "oss"),
            }
        ),
        "web.token": new("web token in a file"),
        "wrong.token": new("token that nobody knows"),
        "wecom.url": f"wecombot://{new('WeCom key')}/",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    for kind in ("key id of a role", "key secret of a role", "STS token of a role"):
        new(kind, "oss")
    key = stage.issuer.sign("web").read_text()
    stage.safe.note("TLS key", re.findall(r"\n([A-Za-z0-9+/]{40,})\n", key)[0])
    password = stage.safe.new("web password")
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    stage.safe.note("hash of the web password", hashed[29:])
    (folder / "web.yml").write_text(
        "tls_server_config: {cert_file: web.pem, key_file: web.pem}\n"
        f"basic_auth_users: {{alice: '{hashed}'}}\n"
        "tokens:\n"
        "  - {name: file, token: {file: web.token}, scopes: [read, write]}\n"
        "  - {name: env, token: {env: WEB_TOKEN}}\n"
    )


def _configured(stage: Stage, text: str) -> str:
    new, oss = stage.safe.new, stage.services["oss"].at
    text = text.replace(
        "[daemon]", '[daemon]\nweb_config = "web.yml"\nlog_level = "debug"\nlog_format = "json"'
    )
    text = text.replace('name = "shop"', 'name = "shop"\nalidns = true')
    accounts = {
        "static": 'kind = "static", access_key_id = { file = "static.id" }, '
        'access_key_secret = { env = "STATIC_SECRET" }, security_token = { env = "STATIC_TOKEN" }',
        "environment": 'kind = "env"',
        "file": 'kind = "file", path = "role.json"',
        "role": f'kind = "ecs_role", role = "r", metadata_url = "http://{stage.services["metadata"].at}"',
        "proxied": 'kind = "env"',
    }
    for name, credentials in accounts.items():
        endpoint = "oss-cn-hangzhou.aliyuncs.com" if name == "proxied" else f"http://{oss}"
        text += (
            f'[[accounts]]\nname = "{name}"\nendpoint = "{endpoint}"\nregion = "cn-hangzhou"\n'
            f'refresh = "1s"\ntimeout = "2s"\nattempts = 1\ncredentials = {{ {credentials} }}\n'
        )
    channels = {
        "hook": '{ env = "HOOK" }',
        "mail": '{ env = "MAIL" }',
        "wecom": '{ file = "wecom.url" }',
        "dingtalk": f'"dingtalk://{new("DingTalk signing secret")}@{new("DingTalk token")}/"',
        "feishu": f'"feishu://{new("Feishu signing secret")}@{new("Feishu token")}/"',
        "slack": f'"slack://T1JJ3T3L2/A1BRTD4JD/{_letters(stage, "apprise token")}/"',
        "inline": f'"webhook://{new("inline hook secret", "hook")}@{stage.services["hook"].at}/i"',
    }
    for name, url in channels.items():
        text += f'[[alerting.channels]]\nname = "{name}"\nurl = {url}\n'
    text += '[alerting.alertmanager]\nurls = [{ env = "ALERTMANAGER" }]\n'
    text += (
        f'[distributed]\nnats_url = "nats://{free_endpoint()}"\ncredentials = {{ env = "NATS" }}\n'
    )
    return text


def _quoted(secret: str) -> str:
    return quote(secret, safe="")


def _letters(stage: Stage, kind: str) -> str:
    """Return a secret that Slack's form of a token allows."""
    return stage.safe.note(kind, planted(kind, middle="").text.replace("-", ""))


# Threads go on while what they do is dumped; at times that makes the dump itself crash, which
# ends the process as well (https://github.com/python/cpython/issues/116008).
DUMPED = {-signal.SIGABRT, -signal.SIGSEGV}

PAGES = (
    *(
        "",
        "?lang=zh",
        "changes",
        "resolvers",
        f"domains/{MODIFIED}",
        "nowhere",
        "metrics",
        "-/healthy",
    ),
    *("api/v1/domains", f"api/v1/domains/{MODIFIED}", f"api/v1/domains/{MODIFIED}/history"),
    *("api/v1/inventory", "api/v1/resolvers", "api/v1/changes", "api/v1/openapi.json", "api/v1/x"),
    *("static/site.css", "api/v1/domains?limit=x", "api/v1/domains?cursor=x"),
)


@pytest.mark.timeout(280)
async def test_no_secret_comes_out_wherever_it_goes(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await _let_a_change_be_seen(stage)
        await _ask_for_everything(stage)
        await _be_refused(stage)
        await _reload_what_is_wrong(stage)
        await _run_commands(stage)
        assert await stage.daemon.end(signal.SIGABRT) in DUMPED
        stage.keep("what the daemon said", "\n".join(stage.daemon.lines).encode())
        _keep_files(stage)
        _assert_that_it_went_everywhere(stage)
        assert leaks(stage.given_out, stage.safe.known.values()) == []
        assert _sent_astray(stage) == []


def _keep_files(stage: Stage) -> None:
    for pattern in ("*.db*", "out.*"):
        for file in sorted(stage.folder.glob(pattern)):
            stage.keep(file.name, file.read_bytes())


async def _let_a_change_be_seen(stage: Stage) -> None:
    for authority in stage.world.authorities:
        stage.world.modify(authority)

    async def is_seen() -> bool:
        return bool((await stage.ask("api/v1/changes")).json()["items"])

    async def have_failed() -> bool:
        events = {event["event"] for event in stage.daemon.events}
        return {"notice.failed", "alertmanager.failed"} <= events

    await eventually(is_seen)
    await eventually(have_failed)


async def _ask_for_everything(stage: Stage) -> None:
    (change, *_) = (await stage.ask("api/v1/changes")).json()["items"]
    of_change = [f"changes/{change['id']}", f"api/v1/changes/{change['id']}"]
    of_change += [
        f"{of_change[1]}/report?format={form}" for form in ("html", "json", "csv", "markdown")
    ]
    for path in (*PAGES, *of_change):
        assert (await stage.ask(path)).status_code < 500, path


async def _be_refused(stage: Stage) -> None:
    for kind, text in (
        ("unknown password", f"bob:{stage.safe.new('unknown password')}"),
        ("wrong password", f"alice:{stage.safe.new('wrong password')}"),
        ("right password of another", f"bob:{stage.safe.known['web password'].text}"),
    ):
        refused = await stage.ask(f"api/v1/domains#{kind}", Authorization=_basic(text))
        assert refused.status_code == 401
    shown = f"Bearer {stage.safe.new('wrong bearer')}"
    assert (await stage.ask("metrics", Authorization=shown)).status_code == 401
    right = _basic(f"alice:{stage.safe.known['web password'].text}")
    assert (await stage.ask("metrics", Authorization=right)).ok


def _basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


async def _reload_what_is_wrong(stage: Stage) -> None:
    secret, file = stage.safe.new("secret in the wrong place"), stage.folder / "config.toml"
    for wrong in WRONG:
        text = wrong.replace("{}", secret).replace("{{", "{").replace("}}", "}")
        file.write_text(_merged(stage.config, text))
        answer = await stage.ask("-/reload", "POST")
        assert answer.status_code == 422, (wrong, answer.text)
    stage.daemon.process.send_signal(signal.SIGHUP)
    await stage.command("config", "check", "config.toml")
    await stage.command("config", "show", "-c", "config.toml")
    file.write_text(stage.config)
    assert (await stage.ask("-/reload", "POST")).ok


def _merged(config: str, text: str) -> str:
    """Return the configuration with the text alone where it has the same tables."""
    head = text.partition("\n")[0]
    if head.startswith("[[") or f"\n{head}\n" not in f"\n{config}":
        return f"{config}\n{text}\n"
    return text


async def _run_commands(stage: Stage) -> None:
    (change, *_) = (await stage.ask("api/v1/changes")).json()["items"]
    (stage.folder / "pg.toml").write_text(
        f'[daemon]\ndatabase = "postgresql://u@{free_endpoint()}/x?connect_timeout=1"\n'
    )
    typed = stage.safe.new("password in --url")
    wrong = ("--token-file", "wrong.token", "--ca-file", str(stage.issuer.file))
    report = ("--format", "json", "-o", "out.report")
    commands = {
        ("--help",): 0,
        ("config", "show", "-c", "config.toml"): 0,
        ("config", "check", "config.toml"): 0,
        ("check", MODIFIED, "--json"): None,
        ("inventory",): 1,
        ("channels", "test"): 1,
        ("backup", "out.backup"): 0,
        ("audit", "verify", "--json"): 0,
        ("audit", "report", change["id"], *report): 0,
        ("audit", "replay", "--export", "out.replay"): None,
        ("announce", MODIFIED, "--to", "x.example", *wrong): 3,
        ("announce", MODIFIED, "--to", "x.example", "--url", f"https://u:{typed}@127.0.0.1:1"): 3,
        ("run", "-c", "pg.toml"): 3,
        ("changes", "-c", "pg.toml"): 3,
    }
    turns = asyncio.Semaphore(3)

    async def run_in_turn(words: Sequence[str], code: int | None) -> None:
        async with turns:
            ended = await stage.command(*words)
        assert code in {None, ended}, (words, stage.given_out[" ".join(words)])

    async with asyncio.TaskGroup() as group:
        group.create_task(_work_in_vain(stage))
        for words, code in commands.items():
            group.create_task(run_in_turn(words, code))


async def _work_in_vain(stage: Stage) -> None:
    """Let a worker look for its broker, which is not there."""
    (stage.folder / "worker.toml").write_text(
        f'[daemon]\nlog_level = "debug"\n[distributed]\nnats_url = "nats://{free_endpoint()}"\n'
        'vantage = "here"\ncredentials = { env = "NATS" }\n'
    )
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "monitor", "worker", "-c", "worker.toml"),
        cwd=stage.folder,
        env=environment(stage.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert worker.stdout is not None
    async for line in worker.stdout:
        stage.keep("worker", line)
        if b"broker.away" in line and worker.returncode is None:
            worker.terminate()
    await worker.wait()
    assert b"broker.away" in stage.given_out["worker"]


def _assert_that_it_went_everywhere(stage: Stage) -> None:
    """A search that finds nothing says something only where all was on the way."""
    for name, service in stage.services.items():
        assert service.seen or name == "proxy", name
    asked = b"".join(_octets_of(stage.services["oss"]))
    for kind in (
        "static key id",
        "key id in the environment",
        "key id in a file",
        "key id of a role",
    ):
        assert stage.safe.known[kind].text.encode() in asked, kind
    said = stage.given_out["what the daemon said"]
    for part in (b"notice.failed", b"alertmanager.failed", b"Fatal Python error", b"web.refused"):
        assert part in said, part
    assert b"oss_cname" in stage.given_out["GET metrics []"]
    assert stage.given_out["shop.db"].startswith(b"SQLite")
    assert stage.given_out["out.backup"].startswith(b"SQLite")
    assert stage.given_out["out.report"]


def _sent_astray(stage: Stage) -> list[Leak]:
    """Return what a service was shown that belongs to another one."""
    return [
        leak
        for name, service in stage.services.items()
        for leak in leaks({name: b"\n".join(_octets_of(service))}, stage.safe.but_for(name))
    ]


def _octets_of(service: HttpService) -> Iterator[bytes]:
    for seen in service.seen:
        yield json.dumps([seen.method, seen.target, dict(seen.headers)]).encode() + seen.body


def _all_forms(secret: str) -> Sequence[bytes]:
    return (
        b"x" + secret.encode(),
        quote(secret, safe="").encode(),
        b64encode(f"u:{secret}".encode()),
        b64encode(f"us:{secret}".encode()),
        b64encode(f"use:{secret}".encode()),
        json.dumps({"a": secret}).encode(),
        repr({"a": secret}).encode(),
        secret.encode().hex().encode(),
        b"..." + secret[:8].encode() + b"...",
        b"..." + secret[-8:].encode() + b"...",
    )


@pytest.mark.parametrize("middle", ["-", ODD])
def test_a_leak_is_found_in_whatever_form_it_is(middle: str) -> None:
    secret, other = planted("a", "", middle), planted("b", "", middle)
    for form in _all_forms(secret.text):
        found = leaks({"page": b"before " + form + b" behind"}, [secret, other])
        assert {(leak.where, leak.kind) for leak in found} == {("page", "a")}, form
    assert leaks({"page": b"nothing " + secret.text[3:7].encode()}, [secret, other]) == []


async def test_a_secret_that_is_sent_astray_is_found(tmp_path: Path) -> None:
    with ExitStack() as stack:
        services = {
            name: stack.enter_context(http_service(lambda _: Says(200)))
            for name in ("hook", "mail")
        }
        stage = Stage(Safe(), World(PACE, SystemClock().now), tmp_path, services, Issuer(tmp_path))
        shown = {"X-Secret": stage.safe.new("hook secret", "hook")}
        for service in services.values():
            await asyncio.to_thread(
                requests.post, f"http://{service.at}/", headers=shown, timeout=30
            )
        assert {(leak.where, leak.kind) for leak in _sent_astray(stage)} == {
            ("mail", "hook secret")
        }
