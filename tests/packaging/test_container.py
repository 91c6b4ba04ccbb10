"""The container image and what is composed around it: as far as can be told without building."""

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor import __version__
from monitor.cli.app import app
from tests.cli import commands
from tests.cli.commands import run
from tests.packaging.wheel import ROOT
from tests.servers.installed import require
from tools.locked import EVERYTHING
from tools.sbom import file_name

COMPOSE = ROOT / "packaging/compose"
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?")


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, each in one line."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    parted = (line.partition(" ") for line in lines)
    return [(word, " ".join(rest.split())) for word, _, rest in parted]


def values_of(word: str) -> list[str]:
    return [rest for found, rest in instructions() if found == word]


def environment() -> dict[str, str]:
    (given,) = values_of("ENV")
    return dict(re.findall(r"(\w+)=(\S+)", given))


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    composed = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
    return dict(composed["services"])


def test_the_image_begins_with_one_release_of_python() -> None:
    (argument,) = values_of("ARG")
    assert PINNED.fullmatch(argument.removeprefix("PYTHON="))
    assert {value.split()[0] for value in values_of("FROM")} == {"${PYTHON}"}


def test_the_image_installs_what_the_lock_has_and_nothing_else() -> None:
    locked, wheel = (value for value in values_of("RUN") if "pip install" in value)
    assert f"--require-hashes -r {EVERYTHING.name}" in locked
    assert "--no-index --no-deps" in wheel


def test_the_image_carries_the_bill_of_materials_and_says_where() -> None:
    source, place = next(v for v in values_of("COPY") if v.endswith("/sbom.cdx.json")).split()
    assert fnmatch(f"dist/{file_name()}", source)
    assert f'oss-cname-monitor.sbom="{place}"' in " ".join(values_of("LABEL"))


def test_only_what_the_image_copies_is_sent_to_be_built() -> None:
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [value.rpartition(" ")[0] for value in values_of("COPY") if "--from" not in value]
    assert sent == ["*", *(f"!{source}" for source in copied)]


def test_the_image_runs_as_a_user_without_rights() -> None:
    assert values_of("USER") == ["65532:65532"]
    owned = next(value for value in values_of("RUN") if value.startswith("install -d"))
    assert f"-o 65532 -g 65532 -m 0700 {values_of('VOLUME')[0]}" in owned
    assert values_of("WORKDIR")[-1] == values_of("VOLUME")[0]


def test_the_image_asks_after_its_health_by_a_command_that_there_is() -> None:
    (healthcheck,) = values_of("HEALTHCHECK")
    assert healthcheck.endswith('CMD ["oss-cname-monitor", "healthcheck"]')
    names = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}
    assert {"healthcheck", "run"} <= names
    assert (values_of("ENTRYPOINT"), values_of("CMD")) == (['["oss-cname-monitor"]'], ['["run"]'])


def test_the_image_does_not_start_open_to_everybody(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    refused = run("config", "check", "config.toml", at=tmp_path, environ=environment())
    assert refused.code == 3
    assert "nobody has to say who they are" in refused.err


def test_the_composed_configuration_has_no_faults(tmp_path: Path) -> None:
    config = str(COMPOSE / "config.toml")
    done = run("config", "check", config, at=tmp_path, environ=environment())
    assert (done.code, done.err) == (0, "")


def test_each_service_is_one_release_shut_in_and_reached_from_this_machine_alone(
    services: dict[str, Any],
) -> None:
    for name, service in services.items():
        assert PINNED.fullmatch(service["image"]), name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        of_here = ("127.0.0.1:", "${NATS_LISTEN:-127.0.0.1}:")
        assert all(port.startswith(of_here) for port in service.get("ports", ())), name
    for name in ("monitor", "worker"):
        assert services[name]["image"] == f"oss-cname-monitor:{__version__}"


def test_what_is_for_other_places_starts_only_where_it_is_asked_for(
    services: dict[str, Any],
) -> None:
    profiles = {name: service.get("profiles") for name, service in services.items()}
    assert {name: p for name, p in profiles.items() if p} == {
        "broker": ["broker"],
        "worker": ["worker"],
    }


def test_a_worker_in_a_container_has_a_command_and_takes_its_configuration(
    services: dict[str, Any], tmp_path: Path
) -> None:
    worker = services["worker"]
    assert (worker["command"], worker["healthcheck"]) == (["worker"], {"disable": True})
    mounted = dict(volume.split(":")[:2] for volume in worker["volumes"])
    (source,) = mounted
    assert mounted[source] == environment()["OSS_CNAME_MONITOR_CONFIG"]
    text = (COMPOSE / source).read_text(encoding="utf-8")
    (secret,) = worker["secrets"]
    assert f'"/run/secrets/{secret}"' in text
    (tmp_path / secret).write_text("north:x")
    text = text.replace("/run/secrets", str(tmp_path))
    text = text.replace("tls://nats.example.com:4222", "nats://127.0.0.1:1")
    (tmp_path / "config.toml").write_text(text)
    # The image has the daemon listen to everybody, which is refused; a worker listens to nobody.
    environ = {**environment(), "OSS_CNAME_MONITOR_CONFIG": "config.toml"}
    del environ["PATH"]
    with subprocess.Popen(
        [sys.executable, "-m", "monitor", "worker"],
        cwd=tmp_path,
        env=commands.environment(environ),
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stderr is not None
        assert any("worker.started" in line for line in process.stderr)
        process.terminate()


def test_the_broker_has_the_files_and_passwords_that_its_configuration_names(
    services: dict[str, Any],
) -> None:
    broker = services["broker"]
    shipped = (ROOT / "packaging/nats/nats.conf").read_text(encoding="utf-8")
    targets = [secret["target"] for secret in broker["secrets"]]
    assert sorted(targets) == sorted(re.findall(r'"(/etc/nats/[^"]+)"', shipped))
    assert f"../nats/nats.conf:{broker['command'][1]}:ro" in broker["volumes"]
    (store,) = re.findall(r'store_dir: "([^"]+)"', shipped)
    assert f"broker:{store}" in broker["volumes"]
    assert set(broker["environment"]) == set(re.findall(r"\$(\w+_PASSWORD)", shipped))


def test_without_its_passwords_the_broker_does_not_start() -> None:
    shipped = ROOT / "packaging/nats/nats.conf"
    tried = subprocess.run(
        [require("nats-server"), "-t", "-c", str(shipped)],
        env={},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert tried.returncode != 0
    assert "COORDINATOR_PASSWORD" in tried.stderr


def test_each_file_that_is_mounted_is_there(services: dict[str, Any]) -> None:
    mounted = [volume.split(":")[0] for s in services.values() for volume in s["volumes"]]
    files = [source for source in mounted if source.startswith(".")]
    assert files
    for source in files:
        assert (COMPOSE / source).exists(), source


def test_prometheus_takes_its_configuration_and_finds_the_rules(
    services: dict[str, Any], tmp_path: Path
) -> None:
    text = (COMPOSE / "prometheus.yml").read_text(encoding="utf-8")
    for volume in services["prometheus"]["volumes"]:
        source, target, *_ = volume.split(":")
        if source.endswith(("alerts.yml", "recording.yml")):
            assert target in text
            text = text.replace(target, str(COMPOSE / source))
    (tmp_path / "prometheus.yml").write_text(text)
    checked = subprocess.run(
        [require("promtool"), "check", "config", str(tmp_path / "prometheus.yml")],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "SUCCESS: 2 rule files found" in checked.stdout


def test_grafana_has_the_data_source_that_the_dashboards_ask_for() -> None:
    composed = yaml.safe_load((COMPOSE / "grafana-datasource.yml").read_text(encoding="utf-8"))
    shipped = yaml.safe_load(
        (ROOT / "dashboards/provisioning/datasource.yml").read_text(encoding="utf-8")
    )
    (ours,), (theirs,) = composed["datasources"], shipped["datasources"]
    assert {**ours, "url": ""} == {**theirs, "url": ""}
    assert ours["url"] == "http://prometheus:9090"


def test_the_dashboards_are_where_grafana_is_told_to_look(services: dict[str, Any]) -> None:
    provider = yaml.safe_load(
        (ROOT / "dashboards/provisioning/dashboards.yml").read_text(encoding="utf-8")
    )
    (path,) = (one["options"]["path"] for one in provider["providers"])
    assert f"../../dashboards:{path}:ro" in services["grafana"]["volumes"]
