"""What is handed out is whole, and runs where nothing else is."""

import asyncio
import re
import signal
import subprocess
import tarfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from zipfile import ZipFile

import pytest
import requests

from monitor import __version__
from monitor.demo.ports import free_port
from tests.packaging.wheel import ROOT, Installation, build, install, pip_for
from tests.whole.shop import eventually
from tools.locked import EVERYTHING

OF_A_WORKER = '[distributed]\nnats_url = "nats://127.0.0.1:1"\nvantage = "x"\n'
DATA = f"oss_cname_monitor-{__version__}.data/data/share"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return install(wheel, tmp_path_factory.mktemp("installed") / "home")


@contextmanager
def contents(wheel: Path) -> Iterator[ZipFile]:
    with ZipFile(wheel) as archive:
        yield archive


def files_below(folder: str) -> set[str]:
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts}


def test_the_wheel_has_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    with contents(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("monitor/")}
    assert names == files_below("monitor") | {"monitor/config/example.toml"}


def test_nothing_but_the_package_is_importable(wheel: Path) -> None:
    with contents(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.startswith("oss_cname_monitor-")} == {"monitor"}


@pytest.mark.parametrize(
    "folder", ["dashboards", "docs/runbooks", "packaging/nats", "packaging/systemd"]
)
def test_the_wheel_has_what_is_for_other_programs_as_it_is_here(folder: str, wheel: Path) -> None:
    with contents(wheel) as archive:
        for file in files_below(folder):
            place = file.removeprefix("packaging/").removeprefix("docs/")
            shipped = archive.read(f"{DATA}/oss-cname-monitor/{place}")
            assert shipped == (ROOT / file).read_bytes(), file


def test_every_alert_in_the_wheel_has_its_page_in_both_languages_there(wheel: Path) -> None:
    share = f"{DATA}/oss-cname-monitor"
    with contents(wheel) as archive:
        alerts = re.findall(
            r"^ +- alert: (\w+)$",
            archive.read(f"{share}/dashboards/alerts.yml").decode(),
            re.MULTILINE,
        )
        names = set(archive.namelist())
    assert alerts
    pages = {f"{share}/runbooks/{way}{alert}.md" for alert in alerts for way in ("", "zh/")}
    assert pages - names == set()


def test_the_wheel_has_the_manual_page_where_man_looks(wheel: Path) -> None:
    with contents(wheel) as archive:
        shipped = archive.read(f"{DATA}/man/man1/oss-cname-monitor.1")
    assert shipped == (ROOT / "docs/man/oss-cname-monitor.1").read_bytes()


def test_the_same_tree_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    assert build(tmp_path).read_bytes() == wheel.read_bytes()


def test_the_sdist_is_enough_to_build_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build(tmp_path, "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert build(tmp_path, of=unpacked).read_bytes() == wheel.read_bytes()


def test_the_lock_has_all_that_the_wheel_requires(installed: Installation) -> None:
    assert "No broken requirements found" in pip_for(installed, "check")


def test_it_tells_its_version(installed: Installation, tmp_path: Path) -> None:
    assert said(installed.command, "--version", at=tmp_path) == f"{__version__}\n"
    assert said(installed.python, "-m", "monitor", "--version", at=tmp_path) == f"{__version__}\n"


@pytest.mark.parametrize(
    ("command", "configuration", "extra"),
    [
        ("worker", OF_A_WORKER, "distributed"),
        ("run", '[daemon]\ndatabase = "postgresql://x@127.0.0.1/x"\n', "postgresql"),
    ],
)
def test_without_its_extra_a_command_says_which_is_missing(
    command: str, configuration: str, extra: str, installed: Installation, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(configuration)
    done = subprocess.run(
        [installed.command, command],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 3
    assert f"install the wheel with its extra [{extra}]" in done.stderr
    assert "Traceback" not in done.stderr


async def test_with_its_extra_a_worker_runs_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    whole = install(wheel, tmp_path / "home", EVERYTHING)
    assert "No broken requirements found" in pip_for(whole, "check")
    (tmp_path / "config.toml").write_text(OF_A_WORKER)
    process = await asyncio.create_subprocess_exec(
        whole.command, "worker", cwd=tmp_path, stderr=PIPE, env={"LANG": "C.UTF-8"}
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            said = b""
            while b"worker.started" not in said:
                said += await process.stderr.readline()
    finally:
        process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_its_commands(
    shell: str, installed: Installation, tmp_path: Path
) -> None:
    begun = f"{installed.command.name} own"
    environ = {
        "_OSS_CNAME_MONITOR_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": begun,
        "COMP_CWORD": "1",  # as bash asks
        "_TYPER_COMPLETE_ARGS": begun,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    assert "ownership" in said(installed.command, at=tmp_path, environ=environ)


@pytest.mark.parametrize(("begun", "code"), [("own", 0), ("zzz", 1)])
def test_fish_learns_from_the_exit_code_whether_there_is_something_to_complete(
    begun: str, code: int, installed: Installation, tmp_path: Path
) -> None:
    environ = {
        "_OSS_CNAME_MONITOR_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_ARGS": f"{installed.command.name} {begun}",
        "_TYPER_COMPLETE_FISH_ACTION": "is-args",
    }
    said(installed.command, at=tmp_path, environ=environ, code=code)


def test_it_prints_an_example_that_it_accepts(installed: Installation, tmp_path: Path) -> None:
    example = said(installed.command, "config", "example", at=tmp_path)
    assert example == (ROOT / "config.example.toml").read_text(encoding="utf-8")
    (tmp_path / "config.toml").write_text(example, encoding="utf-8")
    said(installed.command, "config", "check", "config.toml", at=tmp_path)


async def test_the_demo_runs_with_its_pages(installed: Installation, tmp_path: Path) -> None:
    port = free_port(["127.0.0.1"])
    url = f"http://127.0.0.1:{port}/"
    process = await asyncio.create_subprocess_exec(
        installed.command, "demo", "--listen", f"127.0.0.1:{port}",
        cwd=tmp_path, env={"LANG": "C.UTF-8"}, stdout=DEVNULL, stderr=PIPE,
    )  # fmt: skip
    async with asyncio.TaskGroup() as group:
        assert process.stderr is not None
        reading = group.create_task(process.stderr.read())
        try:

            async def is_ready() -> bool:
                assert process.returncode is None
                return await status(url + "-/ready") == 200

            await eventually(is_ready)
            for page in ("", "domains/img.shop.example", "changes", "resolvers", "metrics"):
                assert await status(url + page) == 200, page
            for file in files_below("monitor/entrypoints/web/static"):
                served = file.removeprefix("monitor/entrypoints/web/")
                assert await status(url + served) == 200, served
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert b"Traceback" not in reading.result()


async def status(url: str) -> int | None:
    try:
        return (await asyncio.to_thread(requests.get, url, timeout=10)).status_code
    except requests.ConnectionError:
        return None


def said(
    *command: Path | str,
    at: Path,
    environ: Mapping[str, str] = MappingProxyType({}),
    code: int = 0,
) -> str:
    """Run a command where nothing else helps it, and return what it printed."""
    done = subprocess.run(
        command,
        cwd=at,
        env={"LANG": "C.UTF-8", **environ},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout
