"""The whole daemon over TLS, as curl, Prometheus and its own commands meet it."""

import asyncio
import json
import re
import ssl
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from monitor.demo.landscape import MODIFIED, NEW_TARGET
from tests.cli.commands import Finished, run
from tests.servers.authorities import Issuer
from tests.servers.installed import require
from tests.servers.prometheus import scraping
from tests.whole.shop import Shop, eventually, open_shop

HASH = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
ALICE = ("-u", "alice:open sesame")
DEPLOY, GRAFANA = "deploy-0123456789abcdef", "grafana-0123456789abcdef"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class House:
    """A shop behind TLS, and a folder with what opens it."""

    shop: Shop
    folder: Path
    issuer: Issuer

    async def curl(self, path: str, *options: str) -> tuple[int, str]:
        """Return the status and what came back; 0 where there was no connection."""
        command = await asyncio.create_subprocess_exec(
            require("curl"), "-sS", "--cacert", str(self.issuer.file), "-w", "\n%{http_code}",
            *options, self.shop.url + path, stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        out, _ = await command.communicate()
        body, _, status = out.decode().rpartition("\n")
        return int(status), body

    async def announce(self, *options: str) -> Finished:
        return await self.command("announce", MODIFIED, "--to", NEW_TARGET, *options)

    async def command(self, *arguments: str) -> Finished:
        """Run a command on the configuration, as somebody on this machine does."""
        address = self.shop.url.removeprefix("https://").rstrip("/")
        text = self.shop.text.replace("127.0.0.1:0", address)
        (self.folder / "config.toml").write_text(text)
        somebody = {"USER": "somebody"}
        return await asyncio.to_thread(run, *arguments, at=self.folder, environ=somebody)

    async def changes(self) -> list[dict[str, Any]]:
        _, body = await self.curl("api/v1/changes", *bearer(GRAFANA))
        return list(json.loads(body)["items"])


def bearer(token: str) -> tuple[str, str]:
    return ("-H", f"Authorization: Bearer {token}")


@asynccontextmanager
async def house(folder: Path, more: str = "") -> AsyncIterator[House]:
    issuer = Issuer(folder)
    (folder / "deploy.token").write_text(f"{DEPLOY}\n")
    (folder / "grafana.token").write_text(f"{GRAFANA}\n")
    file = issuer.sign("web")
    (folder / "web.yml").write_text(
        f"tls_server_config: {{cert_file: {file.name}, key_file: {file.name}{more}}}\n"
        f"basic_auth_users: {{alice: '{HASH}'}}\n"
        "tokens:\n"
        "  - {name: deploy, token: {file: deploy.token}, scopes: [read, write]}\n"
        "  - {name: grafana, token: {file: grafana.token}}\n"
    )
    given = f'[daemon]\nweb_config = "{folder / "web.yml"}"'
    async with open_shop(folder, lambda text: text.replace("[daemon]", given)) as shop:
        assert shop.url.startswith("https://127.0.0.1:")
        yield House(shop, folder, issuer)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("version", [("--tls-max", "1.2"), ("--tlsv1.3",)], ids=str)
async def test_curl_reads_with_a_password_or_a_token_over_either_version(
    home: House, version: tuple[str, ...]
) -> None:
    for path in ("", "metrics", "api/v1/domains"):
        assert (await home.curl(path, *version))[0] == 401
        for shown in (ALICE, bearer(DEPLOY), bearer(GRAFANA)):
            status, body = await home.curl(path, *version, *shown)
            assert status == 200
            assert "img.shop.example" in body
        for wrong in (("-u", "alice:close sesame"), ("-u", "bob:x"), bearer("deploy")):
            assert (await home.curl(path, *version, *wrong))[0] == 401
    assert (await home.curl("-/ready", *version))[0] == 200


async def test_who_wrote_is_in_the_audit_log(home: House) -> None:
    document = json.dumps({"domain": MODIFIED, "to": NEW_TARGET})
    posted = ("-d", document, "-H", "Content-Type: application/json")
    assert (await home.curl("api/v1/changes", *posted))[0] == 401
    assert (await home.curl("api/v1/changes", *posted, *bearer(GRAFANA)))[0] == 403
    from_elsewhere = ("-H", "Origin: https://evil.example")
    assert (await home.curl("api/v1/changes", *posted, *ALICE, *from_elsewhere))[0] == 403
    status, body = await home.curl("api/v1/changes", *posted, *bearer(DEPLOY), *from_elsewhere)
    assert status == 201
    change = json.loads(body)
    assert change["by"] == "deploy"
    _, told = await home.curl(f"api/v1/changes/{change['id']}", *ALICE)
    (announced,) = json.loads(told)["events"]
    assert (announced["type"], announced["data"]["by_whom"]) == ("change_announced", "deploy")


async def test_the_command_shows_a_token_and_trusts_a_private_authority(home: House) -> None:
    token, ca = ("--token-file", "deploy.token"), ("--ca-file", str(home.issuer.file))
    for options, part in (
        (token, "--ca-file names the authority"),
        (ca, "hint: give a token with the scope write: --token-file"),
        ((*ca, "--token-file", "grafana.token"), "no scope write"),
        ((*ca, "--token-file", "nowhere"), "nowhere cannot be read"),
        ((*token, "--ca-file", "nowhere"), "nowhere: there is no such file"),
        ((*ca, *token, "--url", "https://127.0.0.1:1"), "https://127.0.0.1:1/: no answer"),
    ):
        refused = await home.announce(*options)
        assert refused.code == 3, (options, refused.out)
        assert part in refused.err
        assert "0123456789abcdef" not in refused.err
        assert "Traceback" not in refused.err
    assert await home.changes() == []
    done = await home.announce(*ca, *token)
    assert done.code == 0, done.err
    again = await home.announce(*ca, *token, "--by", "ops", "--url", home.shop.url.rstrip("/"))
    assert again.code == 0, again.err
    listed = {change["id"]: change["by"] for change in await home.changes()}
    assert listed[done.out.strip()] == "deploy"
    assert listed[again.out.strip()] == "ops"


async def test_users_tokens_and_certificates_change_without_a_restart(home: House) -> None:
    assert (await home.curl("metrics", *ALICE))[0] == 200
    before = await _certificate(home)
    web = home.folder / "web.yml"
    web.write_text(web.read_text().replace("alice:", "robert:"))
    (home.folder / "grafana.token").write_text("changed-0123456789abcdef")
    home.issuer.sign("web")
    assert (await home.curl("metrics", *ALICE))[0] == 401
    assert (await home.curl("metrics", "-u", "robert:open sesame"))[0] == 200
    assert (await home.curl("metrics", *bearer(GRAFANA)))[0] == 401
    assert (await home.curl("metrics", *bearer("changed-0123456789abcdef")))[0] == 200
    assert await _certificate(home) != before


async def test_a_reload_takes_users_and_hosts_of_the_section_anew(home: House) -> None:
    assert (await home.curl("", *ALICE, "-H", "Host: a.example"))[0] == 403
    home.shop.text += '\n[web]\nhosts = ["a.example"]\n'
    assert (await home.curl("-/reload", "-X", "POST", *bearer(GRAFANA)))[0] == 403
    assert (await home.curl("-/reload", "-X", "POST", *bearer(DEPLOY)))[0] == 200
    assert (await home.curl("", *ALICE, "-H", "Host: a.example"))[0] == 200
    home.shop.text = home.shop.text.replace('hosts = ["a.example"]', "basic_auth_users = {}")
    status, body = await home.curl("-/reload", "-X", "POST", *ALICE)
    assert (status, "web.basic_auth_users: is in" in body) == (422, True)
    assert (await home.curl("", *ALICE, "-H", "Host: a.example"))[0] == 200


async def test_the_healthcheck_shows_no_credentials_and_needs_no_trust(home: House) -> None:
    assert await home.command("healthcheck", "--ready") == Finished(0, "", "")


async def test_refusals_are_counted(home: House) -> None:
    await home.curl("metrics")
    await home.curl("metrics", "-u", "alice:wrong")
    _, text = await home.curl("metrics", *bearer(GRAFANA))
    counted = dict(re.findall(r'web_refusals_total{reason="(\w+)"} (\S+)', text))
    assert counted["no_credentials"] == counted["bad_credentials"] == "1.0"
    assert counted["bad_token"] == "0.0"


async def test_certificates_of_clients_come_before_everything(tmp_path: Path) -> None:
    demanded = (
        ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, "
        "client_allowed_sans: [deploy.example]"
    )
    async with house(tmp_path, demanded) as home:
        mine = home.issuer.sign("mine", ["deploy.example"])
        other = home.issuer.sign("other", ["x.example"])
        assert (await home.curl("-/healthy"))[0] == 0
        assert (await home.curl("metrics", *ALICE))[0] == 0
        assert (await home.curl("metrics", "--cert", str(other), *ALICE))[0] == 0
        assert (await home.curl("metrics", "--cert", str(mine)))[0] == 401
        assert (await home.curl("metrics", "--cert", str(mine), *ALICE))[0] == 200
        trust = ("--ca-file", str(home.issuer.file), "--token-file", "deploy.token")
        assert (await home.command("healthcheck")).code == 1
        assert await home.command("healthcheck", "--cert-file", str(mine)) == Finished(0, "", "")
        assert (await home.announce(*trust)).code == 3
        announced = await home.announce(*trust, "--cert-file", str(mine))
        assert announced.code == 0, announced.err


async def test_prometheus_scrapes_with_either_kind_of_credentials(home: House) -> None:
    (home.folder / "password").write_text("open sesame")
    target = home.shop.url.removeprefix("https://").rstrip("/")
    tls: Mapping[str, object] = {
        "scheme": "https",
        "tls_config": {"ca_file": str(home.issuer.file)},
    }
    password = {"username": "alice", "password_file": str(home.folder / "password")}
    token = {"credentials_file": str(home.folder / "grafana.token")}
    how = {
        "password": {**tls, "basic_auth": password},
        "token": {**tls, "authorization": token},
        "stranger": tls,
    }
    with scraping({job: [target] for job in how}, how=how) as prometheus:

        async def are_scraped() -> bool:
            found = await asyncio.to_thread(prometheus.ask, "up")
            return {one["metric"]["job"]: one["value"][1] for one in found} == {
                "password": "1",
                "token": "1",
                "stranger": "0",
            }

        await eventually(are_scraped)


def test_the_example_for_prometheus_is_one_that_it_takes(tmp_path: Path) -> None:
    text = (ROOT / "docs/access.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    Issuer(tmp_path, "cname-monitor-ca")
    (tmp_path / "cname-monitor.token").write_text(DEPLOY)
    config = tmp_path / "prometheus.yml"
    config.write_text(example.replace("/etc/prometheus", str(tmp_path)))
    checked = run_promtool("check", "config", str(config))
    assert checked.returncode == 0, checked.stderr


def test_promtool_takes_the_same_web_configuration(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    file = issuer.sign("web")
    web = tmp_path / "web.yml"
    web.write_text(
        f"tls_server_config: {{cert_file: {file.name}, key_file: {file.name}, "
        "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, "
        "min_version: TLS12}\n"
        "http_server_config: {headers: {Strict-Transport-Security: max-age=300}}\n"
        f"basic_auth_users: {{alice: '{HASH}'}}\n"
    )
    checked = run_promtool("check", "web-config", str(web))
    assert checked.returncode == 0, checked.stderr
    (tmp_path / "config.toml").write_text(f'[daemon]\nweb_config = "{web}"\n')
    ours = run("config", "check", "config.toml", at=tmp_path)
    assert (ours.code, ours.err) == (0, "")


def run_promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [require("promtool"), *arguments], capture_output=True, text=True, timeout=30, check=False
    )


async def _certificate(home: House) -> str:
    host, _, port = home.shop.url.removeprefix("https://").rstrip("/").partition(":")
    return await asyncio.to_thread(ssl.get_server_certificate, (host, int(port)))
