"""A scene: a daemon in a small world, everybody who relies on it, and the judgement at the end."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import requests

from monitor.adapters.stores.postgresql import PostgresqlStore
from monitor.adapters.stores.session import Access
from monitor.adapters.stores.sql import SqlStore
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.events import Record
from monitor.core.told import Letter
from monitor.demo.landscape import SHOP
from monitor.ports import StoreError
from tests.chaos.fault import Outcome
from tests.chaos.judging import Observed, Trouble, judge, paging_of
from tests.chaos.pager import Pager, pager
from tests.chaos.runner import Runner
from tests.chaos.watcher import Watcher
from tests.chaos.world import ELSEWHERE, LABELS, RIGHT, SmallWorld

PATIENCE = 90.0  # seconds until a daemon that does not become normal counts as broken
PAUSE = 0.1
DATABASE = "chaos.db"
_MOST = 1_000_000  # records of a log

clock = time.monotonic


@dataclass(slots=True)
class Scene:
    """A daemon at work; `troubles` is the truth about its domains, and the scene's doing."""

    world: SmallWorld
    runner: Runner
    pager: Pager
    watcher: Watcher
    database: str
    troubles: list[Trouble] = field(default_factory=list)
    began: float = 0.0
    lifted: float = 0.0
    abnormal: str = ""  # what was not yet normal at the last look

    @contextmanager
    def fault(self) -> Iterator[None]:
        """Have pages count from here on, and the time until all is normal from the block's end."""
        self.began = clock()
        try:
            yield
        finally:
            self.lifted = clock()

    def lead_astray(self, *labels: str) -> None:
        """Break domains: their CNAME leads to somebody else from now on."""
        domains = _named(labels)
        self.troubles += [Trouble(domain, clock()) for domain in domains]
        self.world.point(domains, ELSEWHERE)

    def mend(self, *labels: str) -> None:
        """Let the CNAME of domains lead to the bucket again."""
        domains = _named(labels)
        self.world.point(domains, RIGHT)
        self.troubles = [
            replace(one, ended=clock()) if one.domain in domains and one.ended is None else one
            for one in self.troubles
        ]

    @property
    def broken(self) -> set[str]:
        return {one.domain for one in self.troubles if one.ended is None}

    async def records(self) -> tuple[Record, ...]:
        """Return the audit log as the database holds it. Raises StoreError."""
        return (await self._read())[0]

    async def until(
        self, condition: Callable[[], Awaitable[bool]], patience: float = PATIENCE
    ) -> None:
        """Return when the condition has come true; fail when that takes too long, in seconds."""
        async with asyncio.timeout(patience):
            while not await condition():  # noqa: ASYNC110  # nobody can tell us
                await asyncio.sleep(PAUSE)

    async def until_logged(self, name: str, patience: float = PATIENCE, after: int = 0) -> None:
        """Return when the daemon has logged an event of that name, `after` so many events."""

        async def is_logged() -> bool:
            return any(event["event"] == name for event in self.runner.events[after:])

        await self.until(is_logged, patience)

    async def until_reported(self, kind: str, patience: float = PATIENCE) -> None:
        """Return when an event of that type is told on the event stream from now on."""
        known = len(self.watcher.reports)

        async def is_reported() -> bool:
            return any(report.type == kind for report in self.watcher.reports[known:])

        await self.until(is_reported, patience)

    async def until_followed(self) -> None:
        """Return when who follows the event stream has been told all that the log holds."""

        async def is_followed() -> bool:
            told = max((report.seq for report in self.watcher.reports), default=0)
            return told == len(await self.records())

        await self.until(is_followed)

    async def until_ready(self, patience: float = PATIENCE) -> None:
        """Return when the daemon says that it is ready."""
        await self.until(self.runner.is_ready, patience)

    async def until_handed(self) -> None:
        """Return when a notice has come to the pager, who need not have taken it yet."""

        async def is_handed() -> bool:
            return bool(self.pager.handed)

        await self.until(is_handed)

    async def until_paged(self, label: str, patience: float = PATIENCE) -> None:
        """Return when the pager knows of the domain's trouble."""

        async def is_paged() -> bool:
            return any(f" {label}.{SHOP}:" in one.title for one in self.pager.deliveries)

        await self.until(is_paged, patience)

    async def until_normal(self, patience: float = PATIENCE) -> float | None:
        """Return how long it took since the fault was lifted; None where it took too long.

        Normal is: ready; every domain at its true status by new answers; nothing waits for the
        store or for the pager; and the pager knows of just the troubles that there are.
        """
        seen = dict[str, str]()
        try:
            await self.until(lambda: self._is_normal(seen), patience)
        except TimeoutError:
            return None
        self.abnormal = ""
        return clock() - self.lifted

    async def judged(self, remark: str = "", patience: float = PATIENCE) -> Outcome:
        """Wait until all is normal, and judge what was seen by what the log holds then."""
        normal_after = await self.until_normal(patience)
        if self.abnormal:
            remark = f"not normal: {self.abnormal}. {remark}".strip()
        observed = self.observed()
        complaints = await self._complaints()
        log = await self.records()
        # What arrived meanwhile was not observed as early, and may be what the log tells of.
        observed = replace(observed, deliveries=self.observed().deliveries)
        return judge(observed, log, complaints, normal_after, remark)

    def observed(self) -> Observed:
        """Return all that was seen so far."""
        return Observed(
            (*self.watcher.reports, *self.runner.reports),
            tuple(self.pager.deliveries),
            tuple(self.troubles),
            self.began,
        )

    async def _is_normal(self, seen: dict[str, str]) -> bool:
        try:
            self.abnormal = await self._deviation(seen)
        except (requests.RequestException, StoreError) as error:
            self.abnormal = str(error)
        return not self.abnormal

    async def _deviation(self, seen: dict[str, str]) -> str:
        """Return what is not normal, and nothing where all is; `seen` is filled by the first."""
        if not (ready := await self.runner.get("-/ready")).ok:
            return f"not ready: {ready.text}"
        if wrong := self._wrong_domains(await self._domains(), seen):
            return f"not as it is, or without new answers: {', '.join(wrong[:3])}"
        metrics = (await self.runner.get("metrics")).text
        if "\noss_cname_store_waiting_steps 0.0\n" not in metrics:
            return "steps wait for the store"
        log, waiting = await self._read()
        if waiting:
            return f"{len(waiting)} notices wait"
        known = paging_of(self.observed(), log).open
        if known != self.broken:
            return f"the pager knows of {sorted(known)}, broken are {sorted(self.broken)}"
        return ""

    def _wrong_domains(self, shown: Mapping[str, Any], seen: dict[str, str]) -> list[str]:
        newest = {
            name: max((answer["at"] for answer in document["answers"]), default="")
            for name, document in shown.items()
        }
        for name, at in newest.items():
            seen.setdefault(name, at)
        broken = self.broken
        return [
            name
            for name in self.world.domains
            if name not in shown
            or (shown[name]["status"] != "in_effect") != (name in broken)
            or newest[name] == seen[name]
        ]

    async def _domains(self) -> dict[str, Any]:
        found, cursor = dict[str, Any](), ""
        while True:
            query = f"&cursor={cursor}" if cursor else ""
            reply = await self.runner.get(f"api/v1/domains?limit=1000{query}")
            reply.raise_for_status()
            page = reply.json()
            found |= {document["domain"]: document for document in page["items"]}
            cursor = page["next"]
            if not cursor:
                return found

    async def _read(self) -> tuple[tuple[Record, ...], tuple[Letter, ...]]:
        store = self._store()
        try:
            return await store.records(after=0, limit=_MOST), await store.waiting(_MOST)
        finally:
            await store.close()

    def _store(self) -> SqlStore:
        scheme, _, place = self.database.partition(":///")
        if scheme == "sqlite":
            return SqliteStore(Path(place), Access.READ)
        return PostgresqlStore(self.database, Access.READ)

    async def _complaints(self) -> list[str]:
        done = await self.runner.command("audit", "verify", "-c", "config.toml")
        return [] if done.code == 0 else (done.out + done.err).splitlines()


def _named(labels: Sequence[str]) -> list[str]:
    return [f"{label}.{SHOP}" for label in labels]


@asynccontextmanager
async def open_scene(
    folder: Path,
    *,
    labels: Sequence[str] = LABELS,
    database: str = "",
    change: Callable[[str], str] = str,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Scene]:
    """Run world, pager, watcher and daemon, from when all is normal until the block ends.

    The database is one in the folder unless its URL is given. `change` may alter the
    configuration first, `environ` adds to what the daemon finds in its environment.
    """
    database = database or f"sqlite:///{folder / DATABASE}"
    async with SmallWorld(labels) as world:
        with pager() as paged:
            runner = Runner(folder, {**world.environ, **(environ or {})})
            text = world.config_text(runner.at, database, paged.url)
            (folder / "config.toml").write_text(change(text))
            scene = Scene(world, runner, paged, Watcher(runner.at.port), database)
            watching = asyncio.ensure_future(scene.watcher.run())
            try:
                await runner.start()
                scene.lifted = clock()
                assert await scene.until_normal() is not None, _complaint(scene)
                yield scene
            finally:
                watching.cancel()
                await runner.close()


def _complaint(scene: Scene) -> str:
    said = "\n".join(scene.runner.lines[-10:])
    return f"it never was normal: {scene.abnormal}; the daemon said last:\n{said}"
