"""The manifests, as kustomize renders them."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
import yaml

from monitor import __version__
from tests.cli.commands import run
from tests.packaging.test_container import environment, values_of
from tests.packaging.wheel import ROOT
from tests.servers.installed import require
from tools import prometheus_rule

kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="make setup installs it")
pytestmark = pytest.mark.skipif(not shutil.which("kubectl"), reason="this machine has no kubectl")

Resource: TypeAlias = dict[str, Any]

HERE = ROOT / "packaging/kubernetes"
OLDEST, NEWEST = "1.25", kubernetes_validate.latest_version()
OURS = {"app.kubernetes.io/name": "oss-cname-monitor"}
LARGEST_ANNOTATION = 262_144  # what kubectl apply keeps of a resource, unless on the server's side


@pytest.fixture(scope="module")
def rendered() -> list[Resource]:
    return render(HERE)


@pytest.fixture(scope="module")
def broker() -> list[Resource]:
    return render(HERE / "broker")


@pytest.fixture(scope="module")
def at_vantage() -> list[Resource]:
    return render(HERE / "vantage")


def render(folder: Path) -> list[Resource]:
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return list(yaml.safe_load_all(done.stdout))


def the(kind: str, rendered: list[Resource]) -> Resource:
    (found,) = (resource for resource in rendered if resource["kind"] == kind)
    return found


def pod_of(rendered: list[Resource]) -> Resource:
    (found,) = (one for one in rendered if one["kind"] in {"Deployment", "StatefulSet"})
    return dict(found["spec"]["template"])


def maps_of(rendered: list[Resource]) -> dict[str, Resource]:
    return {r["metadata"]["name"]: r for r in rendered if r["kind"] == "ConfigMap"}


def example_of_secret() -> Resource:
    return dict(yaml.safe_load((HERE / "secret.example.yaml").read_text(encoding="utf-8")))


def configuration(rendered: list[Resource]) -> str:
    named = re.compile(r"oss-cname-monitor(-worker)?-config-\w+")
    (name,) = filter(named.fullmatch, maps_of(rendered))
    return str(maps_of(rendered)[name]["data"]["config.toml"])


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_resource_of_the_broker_is_one_that_kubernetes_knows(
    version: str, broker: list[Resource]
) -> None:
    kinds = sorted(resource["kind"] for resource in broker)
    assert kinds == ["ConfigMap", "NetworkPolicy", "Service", "StatefulSet"]
    for resource in broker:
        kubernetes_validate.validate(resource, version, strict=True)


def test_the_broker_has_the_files_and_passwords_that_its_configuration_names(
    broker: list[Resource],
) -> None:
    shipped = (ROOT / "packaging/nats/nats.conf").read_text(encoding="utf-8")
    assert the("ConfigMap", broker)["data"] == {"nats.conf": shipped}
    pod = the("StatefulSet", broker)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    wanted = set(re.findall(r"\$(\w+_PASSWORD)", shipped))
    assert {variable["name"] for variable in container["env"]} == wanted
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert container["args"] == ["-c", f"{mounts['config']}/nats.conf"]
    (tls,) = (volume["secret"] for volume in pod["volumes"] if volume["name"] == "tls")
    files = {f"{mounts['tls']}/{item['path']}" for item in tls["items"]}
    assert files == set(re.findall(r'"(/etc/nats/[^"]+)"', shipped))
    assert f'store_dir: "{mounts["store"]}"' in shipped
    told = (HERE / "broker/kustomization.yaml").read_text(encoding="utf-8")
    assert f"secret tls {tls['secretName']} " in told
    for variable in container["env"]:
        key = variable["valueFrom"]["secretKeyRef"]
        assert f"secret generic {key['name']} " in told
        assert f"--from-literal={key['key']}=" in told


def test_who_looks_for_the_broker_finds_it(broker: list[Resource]) -> None:
    labels = {"app.kubernetes.io/name": "oss-cname-monitor-broker"}
    stateful, service = the("StatefulSet", broker)["spec"], the("Service", broker)
    assert stateful["template"]["metadata"]["labels"].items() >= labels.items()
    assert stateful["serviceName"] == service["metadata"]["name"]
    assert service["spec"]["selector"] == labels
    policy = the("NetworkPolicy", broker)["spec"]
    assert policy["podSelector"] == {"matchLabels": labels}
    assert policy["ingress"] == [{"ports": [{"port": "nats"}]}]
    assert "egress" not in policy


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_resource_at_a_vantage_is_one_that_kubernetes_knows(
    version: str, at_vantage: list[Resource]
) -> None:
    kinds = sorted(resource["kind"] for resource in at_vantage)
    assert kinds == ["ConfigMap", "Deployment", "NetworkPolicy"]
    for resource in at_vantage:
        kubernetes_validate.validate(resource, version, strict=True)


def test_a_pod_at_a_vantage_works_for_the_daemon_and_lets_nobody_in(
    at_vantage: list[Resource],
) -> None:
    labels = {"app.kubernetes.io/name": "oss-cname-monitor-worker"}
    pod, policy = pod_of(at_vantage), the("NetworkPolicy", at_vantage)["spec"]
    (container,) = pod["spec"]["containers"]
    assert container["args"] == ["worker"]
    assert pod["metadata"]["labels"].items() >= labels.items()
    assert labels != OURS, "the service of the daemon would send people here"
    assert policy["podSelector"] == {"matchLabels": labels}
    assert "Ingress" in policy["policyTypes"]
    assert "ingress" not in policy
    allowed = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
    url = tomllib.loads(configuration(at_vantage))["distributed"]["nats_url"]
    assert urlsplit(url).port in allowed


def test_every_volume_at_a_vantage_leads_to_something(at_vantage: list[Resource]) -> None:
    pod = pod_of(at_vantage)["spec"]
    (container,) = pod["containers"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys()
    assert volumes["config"]["configMap"]["name"] in maps_of(at_vantage)
    (secrets,) = (m["mountPath"] for m in container["volumeMounts"] if m["name"] == "secrets")
    reference = tomllib.loads(configuration(at_vantage))["distributed"]["credentials"]["file"]
    folder, _, key = reference.rpartition("/")
    assert folder == secrets
    told = (HERE / "vantage/kustomization.yaml").read_text(encoding="utf-8")
    assert f"generic {volumes['secrets']['secret']['secretName']} " in told
    assert f"--from-literal={key}=" in told


def test_the_configuration_at_a_vantage_has_no_faults(
    at_vantage: list[Resource], tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(configuration(at_vantage))
    done = run("config", "check", "config.toml", at=tmp_path)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_resource_is_one_that_kubernetes_knows(
    version: str, rendered: list[Resource]
) -> None:
    known = [r for r in rendered if not r["apiVersion"].startswith("monitoring.coreos.com/")]
    assert {r["kind"] for r in known} == {
        "ConfigMap", "Deployment", "NetworkPolicy", "PersistentVolumeClaim", "Service",
    }  # fmt: skip
    for resource in (*known, example_of_secret()):
        kubernetes_validate.validate(resource, version, strict=True)


def test_a_misspelt_key_would_be_found(rendered: list[Resource]) -> None:
    wrong = {**the("Service", rendered), "specs": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


def test_two_daemons_never_share_the_database(rendered: list[Resource]) -> None:
    spec = the("Deployment", rendered)["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    (container,) = pod_of(rendered)["spec"]["containers"]
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod_of(rendered)["spec"]["volumes"]}
    claim = volumes[mounts[values_of("VOLUME")[0]]]["persistentVolumeClaim"]["claimName"]
    assert claim == the("PersistentVolumeClaim", rendered)["metadata"]["name"]


@pytest.mark.parametrize(
    "folder", [HERE, HERE / "vantage", HERE / "broker"], ids=["daemon", "worker", "broker"]
)
def test_a_pod_keeps_to_the_restricted_standard(folder: Path) -> None:
    pod = pod_of(render(folder))["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    user, group = (pod["securityContext"][key] for key in ("runAsUser", "runAsGroup"))
    assert [f"{user}:{group}"] == values_of("USER")
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    # A service of this name would put variables with our prefix into the environment.
    assert pod["enableServiceLinks"] is False


@pytest.mark.parametrize("folder", [HERE, HERE / "vantage"], ids=["daemon", "worker"])
def test_the_image_is_of_this_release(folder: Path) -> None:
    (container,) = pod_of(render(folder))["spec"]["containers"]
    assert container["image"] == f"oss-cname-monitor:{__version__}"


def test_whoever_selects_the_pod_finds_it(rendered: list[Resource]) -> None:
    service = the("Service", rendered)
    assert pod_of(rendered)["metadata"]["labels"].items() >= OURS.items()
    assert service["spec"]["selector"] == OURS
    assert the("NetworkPolicy", rendered)["spec"]["podSelector"] == {"matchLabels": OURS}
    (container,) = pod_of(rendered)["spec"]["containers"]
    (port,) = container["ports"]
    assert service["spec"]["ports"] == [{"name": "http", "port": 9953, "targetPort": port["name"]}]
    assert values_of("EXPOSE") == [str(port["containerPort"])]


def test_prometheus_finds_the_service_and_shows_a_token_that_is_known(
    rendered: list[Resource],
) -> None:
    monitor, service = the("ServiceMonitor", rendered), the("Service", rendered)
    assert service["metadata"]["labels"].items() >= OURS.items()
    assert monitor["spec"]["selector"] == {"matchLabels": OURS}
    assert monitor["spec"].keys() == {"jobLabel", "selector", "endpoints"}
    assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "oss-cname-monitor"
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint.keys() == {"port", "interval", "scrapeTimeout", "authorization"}
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    credentials = endpoint["authorization"]["credentials"]
    assert credentials["name"] == example_of_secret()["metadata"]["name"]
    assert credentials["key"] in example_of_secret()["stringData"]
    assert f'/{credentials["key"]}"' in configuration(rendered)


def test_every_volume_leads_to_something(rendered: list[Resource]) -> None:
    pod = pod_of(rendered)["spec"]
    (container,) = pod["containers"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys()
    assert volumes["config"]["configMap"]["name"] in maps_of(rendered)
    assert volumes["secrets"]["secret"]["secretName"] == example_of_secret()["metadata"]["name"]
    assert volumes["secrets"]["secret"]["defaultMode"] == 0o440


def test_no_secret_is_among_what_is_applied(rendered: list[Resource]) -> None:
    assert [resource for resource in rendered if resource["kind"] == "Secret"] == []


def test_the_configuration_has_no_faults(rendered: list[Resource], tmp_path: Path) -> None:
    secret = example_of_secret()["stringData"]
    for key, value in secret.items():
        (tmp_path / key).write_text(value)
    text = configuration(rendered)
    assert set(secret) == {key for key in secret if f'/oss-cname-monitor/{key}"' in text}
    (tmp_path / "config.toml").write_text(
        text.replace("/run/secrets/oss-cname-monitor", str(tmp_path))
    )
    done = run("config", "check", "config.toml", at=tmp_path, environ=environment())
    assert (done.code, done.err) == (0, "")


def test_the_rules_for_the_operator_are_current() -> None:
    assert prometheus_rule.TARGET.read_text(encoding="utf-8") == prometheus_rule.manifest(), (
        "make dashboards"
    )


def test_the_operator_gets_every_alert_and_recording(
    rendered: list[Resource], tmp_path: Path
) -> None:
    groups = the("PrometheusRule", rendered)["spec"]["groups"]
    shipped = [yaml.safe_load(s.read_text(encoding="utf-8")) for s in prometheus_rule.SOURCES]
    assert groups == [group for source in shipped for group in source["groups"]]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    checked = subprocess.run(
        [require("promtool"), "check", "rules", str(tmp_path / "rules.yml")],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_grafanas_sidecar_finds_every_dashboard(rendered: list[Resource]) -> None:
    found = {
        file: (resource, text)
        for resource in maps_of(rendered).values()
        for file, text in resource["data"].items()
        if file.endswith(".json")
    }
    assert found.keys() == {path.name for path in (ROOT / "dashboards").glob("*.json")}
    for file, (resource, text) in found.items():
        assert resource["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert text == (ROOT / "dashboards" / file).read_text(encoding="utf-8")
        assert len(json.dumps(resource)) < LARGEST_ANNOTATION
