"""The database's file: no room, no writing, somebody else's lock, damage, and gone."""

import asyncio
import hashlib
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from tests.chaos.fault import Fault, Outcome
from tests.chaos.scene import DATABASE, Scene, open_scene

_ROOM = "12m"
_LONGER_THAN_ITS_PATIENCE = 14.0  # seconds; it waits 10 for a lock
_NOT_READY_AFTER = 20.0  # seconds; it says so after 10


async def _full(folder: Path) -> Outcome:
    with _disk(folder / "disk") as disk:
        async with open_scene(folder, database=f"sqlite:///{disk / DATABASE}") as scene:
            with scene.fault():
                filler = disk / "filler"
                _fill(filler)
                scene.lead_astray("www")
                await _until_not_ready(scene)
                filler.unlink()
            await scene.until_paged("www")
            return await scene.judged("a file system of its own (tmpfs) without a free octet")


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as filler:
        for size in (65536, 4096, 1):
            try:
                while True:
                    filler.write(b"\0" * size)
            except OSError:
                continue


async def _may_not_grow(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        with scene.fault(), _no_file_may_be_written(scene):
            scene.lead_astray("www")
            await _until_not_ready(scene)
        await scene.until_paged("www")
        return await scene.judged("RLIMIT_FSIZE 0: every write to a file fails (EFBIG)")


@contextmanager
def _no_file_may_be_written(scene: Scene) -> Iterator[None]:
    assert scene.runner.process is not None
    pid = scene.runner.process.pid
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))


async def _read_only(folder: Path) -> Outcome:
    with _disk(folder / "disk") as disk:
        async with open_scene(folder, database=f"sqlite:///{disk / DATABASE}") as scene:
            with scene.fault():
                await scene.runner.end(signal.SIGTERM)
                _mounted("-o", "remount,ro", str(disk))
                complaint = await _refused(scene, "Let this user write")
                _mounted("-o", "remount,rw", str(disk))
                scene.lead_astray("www")
                await scene.runner.start()
            await scene.until_paged("www")
            return await scene.judged(f"refused: {complaint}")


async def _locked(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        with scene.fault():
            scene.lead_astray("www")
            with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                await asyncio.sleep(_LONGER_THAN_ITS_PATIENCE)
                await _until_not_ready(scene)
                other.execute("ROLLBACK")
        await scene.until_paged("www")
        return await scene.judged("by BEGIN EXCLUSIVE in another process' stead")


async def _damaged(folder: Path, *, table: str) -> Outcome:
    path = folder / DATABASE
    async with open_scene(folder) as scene:
        with scene.fault():
            await scene.runner.end(signal.SIGTERM)
            whole = folder / "whole.db"
            shutil.copy(path, whole)
            _damage(path, table)
            before = _digest(path)
            complaint = await _refused(scene, "restore a backup")
            assert _digest(path) == before, "what was left of it was written to"
            shutil.copy(whole, path)
            scene.lead_astray("www")
            await scene.runner.start()
        await scene.until_paged("www")
        return await scene.judged(f"refused, and nothing overwritten: {complaint}")


def _damage(path: Path, table: str) -> None:
    """Overwrite the root page of a table with noise; without a name, the header."""
    page = 1
    with closing(sqlite3.connect(path)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        if table:
            query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
            (page,) = connection.execute(query, (table,)).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes(range(256)) * (size // 256))


async def _removed(folder: Path, *, also: tuple[str, ...]) -> Outcome:
    async with open_scene(folder) as scene:
        with scene.fault():
            for suffix in ("", *also):
                (folder / f"{DATABASE}{suffix}").unlink()
            scene.lead_astray("www")
            await scene.until_paged("www")
            await scene.runner.kill()
            await scene.runner.start()
        return await scene.judged("the daemon puts it back; killed and started again thereafter")


async def _replaced(folder: Path) -> Outcome:
    path, aside, strange = (folder / name for name in (DATABASE, "aside.db", "strange.db"))
    with closing(sqlite3.connect(strange)) as other:
        other.execute("CREATE TABLE other (it TEXT)")
    async with open_scene(folder) as scene:
        with scene.fault():
            aside.hardlink_to(path)
            strange.replace(path)
            before = _digest(path)
            scene.lead_astray("www")
            await _until_not_ready(scene)
            assert _digest(path) == before, "somebody else's file was written to"
            aside.replace(path)
        await scene.until_paged("www")
        return await scene.judged("nothing is kept until the file is there again")


async def _until_not_ready(scene: Scene) -> None:
    async def is_not_ready() -> bool:
        return (await scene.runner.get("-/ready")).status_code == 503

    await scene.until(is_not_ready, _NOT_READY_AFTER + 20.0)


async def _refused(scene: Scene, remedy: str) -> str:
    """Start a daemon that does not start, and return what it says, with the remedy."""
    said = len(scene.runner.lines)
    await scene.runner.start()
    code = await scene.runner.ended()
    words = " ".join(scene.runner.lines[said:])
    assert code == 3, f"it ended with {code}: {words}"
    assert remedy in words, words
    return words.replace(f"{scene.runner.folder}/", "")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _disk(at: Path) -> Iterator[Path]:
    """Mount a small file system of its own until the block ends; only root may."""
    at.mkdir()
    _mounted("-t", "tmpfs", "-o", f"size={_ROOM},mode=0700", "tmpfs", str(at))
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def _mounted(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)


FAULTS = (
    Fault("store full", "its file system has no room for half a minute", _full),
    Fault("store cannot be written", "no write succeeds while the daemon runs", _may_not_grow),
    Fault("store read-only", "the daemon starts on a read-only file system", _read_only),
    Fault("store locked", "another program holds it for longer than the daemon waits", _locked),
    Fault("store damaged: header", "its first page is noise", partial(_damaged, table="")),
    Fault(
        "store damaged: state", "a page of the domains is noise", partial(_damaged, table="domain")
    ),
    Fault("store damaged: log", "a page of the log is noise", partial(_damaged, table="event")),
    Fault("store removed", "its file is removed under the daemon", partial(_removed, also=())),
    Fault(
        "store removed altogether",
        "its file, SQLite's log and the lock are removed under the daemon",
        partial(_removed, also=("-wal", "-shm", ".lock")),
    ),
    Fault("store replaced", "another file stands in its place for a while", _replaced),
)
