"""What the documents promise is what the program does."""

import importlib.util
import re
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from monitor.adapters.notifiers.apprise_channel import SCHEMAS
from monitor.adapters.telemetry.counters import PrometheusTelemetry
from monitor.adapters.telemetry.vantages import VantageCounts
from monitor.cli.app import app, changes_app, channels_app, config_app
from monitor.cli.audit_app import audit_app
from monitor.core.events import EventType
from monitor.core.serving import BucketSign
from monitor.core.state import State
from monitor.core.status import DomainStatus, Fault
from monitor.core.tampering import Tampering
from monitor.core.targets import EndpointClass
from monitor.core.told import ConcernKind
from monitor.core.told import Reason as NoticeReason
from monitor.core.tracking.changes import ChangeKind, ChangeState, Source
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.tracks import TrackState
from monitor.core.verdict import Rule, VerdictKind
from monitor.entrypoints.metrics import StateMetrics
from monitor.entrypoints.web.app import endpoints_of
from monitor.ports import DeliveryFailure
from monitor.usecases.snapshot import Snapshot
from tests.dashboards.exported import labels_by_metric
from tests.entrypoints.web.worlds import site_of

ROOT = Path(__file__).parent.parent
METRICS = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
CHANGES = (ROOT / "docs/changes.md").read_text(encoding="utf-8")
NOTICES = (ROOT / "docs/notices.md").read_text(encoding="utf-8")
VERDICTS = (ROOT / "docs/verdicts.md").read_text(encoding="utf-8")
API = (ROOT / "docs/api.md").read_text(encoding="utf-8")
CHANNELS = (ROOT / "docs/channels.md").read_text(encoding="utf-8")
AUDIT = (ROOT / "docs/audit.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE_README = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")


def test_every_metric_is_documented_with_its_type_and_no_other_is() -> None:
    documented = dict(re.findall(r"^\| `(oss_cname_\w+)` \| (\w+) \|", METRICS, re.MULTILINE))
    registry = CollectorRegistry()
    PrometheusTelemetry(registry)
    VantageCounts(registry)
    of_state = "".join(StateMetrics(_nothing, max_pairs=1).pieces(generate_latest))
    families = [*registry.collect(), *text_string_to_metric_families(of_state)]
    exported = {_exposed(family.name, family.type): _kind(family.type) for family in families}
    assert exported == documented


def test_every_metric_is_documented_with_its_labels_and_no_others() -> None:
    rows = re.findall(r"^\| `(oss_cname_\w+)` \| \w+ \|([^|]*)\|", METRICS, re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    exported = {
        re.sub(r"_(bucket|sum|count)$", "", name) if name not in documented else name: labels
        for name, labels in labels_by_metric().items()
        if not name.endswith("_created")
    }
    assert exported.keys() <= documented.keys()
    for name, labels in exported.items():
        assert labels - {"le"} == documented[name], name


def test_every_metric_of_the_process_is_documented() -> None:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    assert {_exposed(family.name, family.type) for family in registry.collect()} == set(
        re.findall(r"`(process_\w+)`", METRICS)
    )


@pytest.mark.parametrize(
    "closed_set", [VerdictKind, Rule, DomainStatus, Fault, BucketSign, EndpointClass]
)
def test_every_word_of_a_closed_set_is_documented(closed_set: type[VerdictKind]) -> None:
    missing = {member.value for member in closed_set if f"`{member.value}`" not in VERDICTS}
    assert missing <= {"internal"}, "an internal name is described in words"


@pytest.mark.parametrize(
    "closed_set", [ChangeState, ChangeKind, Source, TrackState, Reason], ids=lambda it: it.__name__
)
def test_every_word_of_changes_is_documented(closed_set: type[Enum]) -> None:
    missing = {str(m.value) for m in closed_set if f"`{m.value}`" not in CHANGES}
    assert missing == set()


def test_whatever_people_are_told_of_is_documented() -> None:
    told = [kind.value for kind in ConcernKind]
    told += [reason.value for reason in NoticeReason if reason.is_told]
    assert {word for word in told if f"| `{word}` |" not in NOTICES} == set()


def test_the_diagram_of_moves_is_drawn_from_the_code() -> None:
    spec = importlib.util.spec_from_file_location("moves", ROOT / "tools/moves.py")
    assert spec is not None and spec.loader is not None
    moves = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(moves)
    drawn = (ROOT / "docs/change-moves.md").read_text(encoding="utf-8")
    assert drawn == moves.page(), "make docs"


def test_every_command_is_in_the_readme() -> None:
    commands = [str(c.name or c.callback.__name__) for c in app.registered_commands if c.callback]
    subcommands = [f"config {command.name}" for command in config_app.registered_commands]
    subcommands += [f"changes {command.name}" for command in changes_app.registered_commands]
    subcommands += [f"channels {command.name}" for command in channels_app.registered_commands]
    subcommands += [f"audit {command.name}" for command in audit_app.registered_commands]
    assert commands and subcommands
    for command in [*commands, *subcommands]:
        assert f"`{command}" in README, command


def test_the_chinese_readme_has_every_command_with_its_exit_codes() -> None:
    assert _exit_codes(README)
    assert _exit_codes(CHINESE_README) == _exit_codes(README)


def test_the_readmes_are_in_step() -> None:
    assert _outline(CHINESE_README) == _outline(README)
    assert _links(CHINESE_README) - {"README.md"} == _links(README) - {"README.zh-CN.md"}
    shown, told = _shown(README), _shown(CHINESE_README)
    assert len(shown) == len(told)
    for ours, theirs in zip(shown, told, strict=True):
        assert theirs == ours


def test_the_index_leads_to_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()


def test_every_path_and_parameter_of_the_api_is_documented() -> None:
    operations = [endpoint.operation for endpoint in endpoints_of(site_of())]
    missing = [
        name
        for one in operations
        for name in (one.path.removeprefix("/"), *(p.name for p in one.parameters))
        if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", API)
    ]
    assert missing == []


def test_whatever_can_be_found_in_the_log_is_documented() -> None:
    documented = set(re.findall(r"`(\w+)`", AUDIT))
    assert {kind.value for kind in (*Tampering, *EventType)} <= documented


def test_every_service_and_failure_of_channels_is_documented() -> None:
    listed = set(re.findall(r"`([a-z0-9]+)`", CHANNELS))
    assert listed >= SCHEMAS
    assert {failure.value for failure in DeliveryFailure} <= set(re.findall(r"`(\w+)`", CHANNELS))


def test_the_first_screen_of_the_readme_has_both_commands() -> None:
    first_screen = README.splitlines()[:24]
    assert any(line.startswith("make demo") for line in first_screen)
    assert any(line.startswith("make test") for line in first_screen)


@pytest.mark.parametrize("document", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")))
def test_every_link_inside_the_project_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (document.parent / target).exists(), target


def test_the_lock_files_name_no_host() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        assert not re.search(r"https?://|--index|--find-links", lock.read_text()), lock.name


def _exit_codes(readme: str) -> dict[str, list[str]]:
    text = readme.replace("\\|", "/")  # one that stands in a cell
    rows = re.findall(r"^\| (`[^|]*`) \|[^|]*\| ([^|]*) \|$", text, re.MULTILINE)
    return {command.replace("、", ", "): re.findall(r"\d", told) for command, told in rows}


def _outline(readme: str) -> list[str]:
    """Return the depth of each heading, in order."""
    prose = re.sub(r"^```.*?^```", "", readme, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+(?= )", prose, re.MULTILINE)


def _links(readme: str) -> set[str]:
    return set(re.findall(r"\]\((?!https?:)([^)#]+)", readme))


def _shown(readme: str) -> list[list[str]]:
    """Return what each block has a reader type, without what is said about it."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    return [
        [
            re.sub(r"\s*#.*", "", line)
            for line in text.splitlines()
            if language != "console" or line.startswith("$")
        ]
        for language, text in blocks
    ]


def _nothing() -> Snapshot:
    return Snapshot(datetime(2026, 1, 1, tzinfo=UTC), State(), ())


def _exposed(name: str, kind: str) -> str:
    return name + {"counter": "_total", "info": "_info"}.get(kind, "")


def _kind(kind: str) -> str:
    return "gauge" if kind == "info" else kind
