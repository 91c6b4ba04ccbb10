"""The daemon: what starts when, what runs beside what, and what a reload changes."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector

from monitor import __version__
from monitor.adapters.stores.session import Access
from monitor.adapters.telemetry.counters import PrometheusTelemetry
from monitor.adapters.telemetry.vantages import VantageCounts
from monitor.assembly.distributing import afar_of, leading
from monitor.assembly.garbage import spare_from_collection
from monitor.assembly.parts import (
    Afar,
    NotAvailable,
    Surroundings,
    ask_alike,
    fault_policy_of,
    follow_of,
    inventories_of,
    providers_of,
    rounds_of,
    visits_of,
)
from monitor.assembly.prompt import PromptReads
from monitor.assembly.reporting import StoredReports
from monitor.assembly.retention import prune_of
from monitor.assembly.service import Service
from monitor.assembly.stores import store_of
from monitor.assembly.telling import Outlets, Telling, telling_of
from monitor.assembly.unless import done_unless
from monitor.assembly.web_access import WebAccess
from monitor.config import ConfigError, Settings
from monitor.config.sockets import SocketAddress
from monitor.core.events import Event, EventType
from monitor.core.first_look import longest_look
from monitor.core.names import DomainName
from monitor.core.state import State, Step
from monitor.core.tracking.changes import Change
from monitor.entrypoints.metrics import StateMetrics
from monitor.entrypoints.scheduler import Job, Scheduler
from monitor.entrypoints.web.app import Site, create_app
from monitor.entrypoints.web.feed import Feed
from monitor.entrypoints.web.server import WebServer
from monitor.ledger import Ledger
from monitor.ports import Inventory
from monitor.usecases.announce import Announcement, announce
from monitor.usecases.ask import Panel
from monitor.usecases.discover import discover, forget_accounts
from monitor.usecases.first_look import first_look
from monitor.usecases.follow import Follow
from monitor.usecases.inquire import Inquire
from monitor.usecases.looked_at import LookedAt
from monitor.usecases.mind_clock import mind_clock, mind_former_clock
from monitor.usecases.roster import Roster
from monitor.usecases.rounds import Rounds
from monitor.usecases.snapshot import Snapshot
from monitor.usecases.visit import Visits
from monitor.wording import Language

log = structlog.get_logger()

_CLOCK_INTERVAL = timedelta(seconds=1)
_TELLING_INTERVAL = timedelta(seconds=5)
_RETENTION_INTERVAL = timedelta(hours=1)
_RELOAD_PATIENCE = timedelta(seconds=2)  # for the log to tell of it, before it goes on
_SLACK = timedelta(minutes=5)  # of the first look, for those who do not answer
_LAST_WORD_PATIENCE = timedelta(seconds=5)  # the same, of the end
_SWEPT_SHARE = 0.8  # of the interval between rounds, over which the questions of one are spread


@dataclass(frozen=True, slots=True)
class _Works:
    """What a reload replaces as a whole."""

    settings: Settings
    inventories: tuple[Inventory, ...]
    panel: Panel
    rounds: Rounds
    visits: Visits
    follow: Follow
    inquire: Inquire
    telling: Telling
    afar: Afar | None
    first_look_done: asyncio.Event = field(default_factory=asyncio.Event)


class Daemon:
    """One process of the monitor; `load` reads the configuration anew."""

    def __init__(
        self,
        settings: Settings,
        load: Callable[[], Settings],
        around: Surroundings,
        outlets: Outlets | None = None,
    ) -> None:
        """Build everything and start nothing. Raises NotAvailable or ConfigError."""
        self._load = load
        self._around = around
        self._outlets = outlets or Outlets()
        self._service = Service(around.manager)
        self._first_look_done = asyncio.Event()
        self._first_look_slack = _SLACK
        self._looked_at = LookedAt()  # by the settings that were in force before
        self._group: asyncio.TaskGroup | None = None
        self._working: tuple[asyncio.Task[None], ...] = ()
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._telemetry = PrometheusTelemetry(self._registry)
        self._vantages = VantageCounts(self._registry)
        self._store = store_of(settings, Access.OWN, around, leads=True)
        self._ledger = Ledger(self._store, self._telemetry)
        self._roster = Roster()
        self._ledger.listen(self._roster.note)
        self._reads = PromptReads(self._store)
        self._feed = Feed(self._reads.records, settings.daemon.max_event_clients, self._telemetry)
        self._ledger.read_to(self._feed.append)
        self._works = self._built(settings, None)
        self._ledger.accompany(self._accompany)
        self._scheduler = Scheduler(around.clock, self._telemetry.lagged)
        self._access = WebAccess(settings, around, self._telemetry)
        self._web = WebServer(
            create_app(self._site()),
            *_listener(settings),
            self._access.tls,
            self._access.turned_away,
        )
        self._reloading = asyncio.Lock()
        self._is_reload_due = False
        self._delivering = asyncio.Lock()

    def snapshot(self) -> Snapshot:
        works = self._works
        window = works.settings.propagation.window
        now = self._around.clock.now()
        return Snapshot(
            now,
            self._ledger.state,
            works.panel.resolvers,
            window,
            works.rounds.sweeper,
            works.telling.policy.muted_until,
            self._roster,
        )

    async def run(self, stopped: asyncio.Event, started: Callable[[str], None]) -> None:
        """Work until `stopped` is set; `started` is told the address of the pages.

        With a lease, stand by until it is ours. It ends in time whatever does not answer by then,
        in its start too. Raises StoreError or OSError when the store or the listener cannot be
        opened, LeaseLost after it has ended since the lease was lost.
        """
        standing_by = asyncio.ensure_future(self._service.stand_by())
        try:
            async with leading(self._works.settings, self._around, stopped) as is_ours:
                standing_by.cancel()
                if is_ours:
                    await self._lead(stopped, started)
        finally:
            standing_by.cancel()

    async def _lead(self, stopped: asyncio.Event, started: Callable[[str], None]) -> None:
        hurrying = asyncio.ensure_future(self._hurry_when(stopped))
        try:
            self._service.opening()
            if not await done_unless(stopped, self._open()):
                return
            spare_from_collection()
            host, port = await self._web.start()
            is_tls = self._access.tls is not None
            self._service.url = SocketAddress(host, port).url(is_tls=is_tls)
            await self._work(stopped, started)
        finally:
            hurrying.cancel()
            self._feed.close()  # else the server would wait for those who follow it
            await self._web.stop()
            await self._store.close()

    async def _open(self) -> None:
        await self._ledger.open()
        await self._mind_former_clock()

    async def _hurry_when(self, stopped: asyncio.Event) -> None:
        await stopped.wait()
        self._ledger.hurry()

    async def reload(self) -> tuple[str, ...]:
        """Take the configuration anew; return its faults, and change nothing if there are any."""
        async with self._reloading:
            if self._group is None:
                return ("the daemon is just starting or stopping: try again",)
            self._is_reload_due = False
            self._service.reloading()
            faults = await self._take_anew()
            self._service.reloaded(faults)
            return faults

    async def _take_anew(self) -> tuple[str, ...]:
        try:
            wanted = self._load()
            kept = self._kept_listener(wanted)
            permit = self._access.prepared(kept)
            works = self._built(kept, self._works)
        except (ConfigError, NotAvailable) as error:
            faults = tuple(str(error).splitlines())
            self._telemetry.reloaded(self._around.clock.now(), is_success=False)
            log.error("config.reload_failed", faults=faults)
            return faults
        self._looked_at.take_over(self._works.rounds.looked_at)
        self._works = works
        self._access.take(permit)
        await self._note_reload()
        self._begin()
        return ()

    async def _note_reload(self) -> None:
        """Have the log tell of it; one that is lost does so as soon as it is back."""
        try:
            async with asyncio.timeout(_RELOAD_PATIENCE.total_seconds()):
                await self._note(EventType.RELOAD)
        except TimeoutError:
            log.warning("config.reload_ahead_of_store")

    def request_reload(self) -> None:
        """Reload soon, once for all who ask meanwhile; for a signal's handler.

        Who asks before the work has begun, while standing by for instance, is heard when it does.
        """
        if self._group is not None and not self._is_reload_due:
            self._group.create_task(self.reload())
        self._is_reload_due = True

    async def wait_for_first_look(self) -> None:
        """Return when every domain was asked about once, or that takes too long."""
        await self._first_look_done.wait()

    def _built(self, settings: Settings, former: _Works | None) -> _Works:
        clock = self._around.clock
        inventories = inventories_of(settings, self._around)
        afar = afar_of(settings, self._around, self._vantages)
        if former is not None and afar is None and ask_alike(former.settings, settings):
            rounds = former.rounds.continued()
        else:
            rounds = rounds_of(settings, self._ledger, clock, self._telemetry, afar)
        panel, followers = rounds.panel, rounds.followers
        rounds.is_wanted = lambda: self._works.panel is panel
        inquire = Inquire(
            self._ledger, providers_of(settings, self._around), followers, clock, self._telemetry
        )
        telling = telling_of(
            settings, self._around, self._ledger, self._store, self._telemetry, self._outlets
        )
        visits, follow = visits_of(settings, rounds), follow_of(rounds)
        return _Works(settings, inventories, panel, rounds, visits, follow, inquire, telling, afar)

    def _accompany(self, state: State, step: Step) -> Step:
        return self._works.telling.accompany(state, step, self._is_looked_at)

    async def _work(self, stopped: asyncio.Event, started: Callable[[str], None]) -> None:
        await done_unless(stopped, self._note(EventType.START))
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._begin()
            if self._is_reload_due:
                group.create_task(self.reload())
            self._scheduler.start()
            self._service.ready()
            started(self._service.url)
            await stopped.wait()
            self._service.stopping()
            self._group = None  # from here on nothing new begins
            await self._scheduler.stop()
            self._end_look()
        await self._note(EventType.STOP, within=_LAST_WORD_PATIENCE)

    def _begin(self) -> None:
        """Work by the newest settings, beginning with a look at everything."""
        if self._group is not None:
            self._end_look()
            works = self._works
            jobs = (
                self._take_up(),
                works.follow.run(),
                works.inquire.run(),
                self._visit_first(works),
                self._deliver(works),
                self._mind_clock(),
            )
            afar = () if works.afar is None else (works.afar.run(),)
            self._working = tuple(self._group.create_task(job) for job in (*jobs, *afar))

    def _end_look(self) -> None:
        for task in self._working:
            task.cancel()

    async def _take_up(self) -> None:
        works = self._works
        self._plan_anew()
        self._schedule(works)  # at once: alerts are pushed also while the store is lost
        self._telemetry.reloaded(self._around.clock.now(), is_success=True)
        accounts = frozenset(inventory.account for inventory in works.inventories)
        self._telemetry.expect(frozenset(r.name for r in works.panel.resolvers), accounts)
        self._telemetry.expect_channels(frozenset(works.telling.deliver.notifiers))
        await forget_accounts(accounts, self._ledger, self._around.clock)
        listed, *of_accounts = works.inventories
        await self._discover(listed)
        # What is known is asked about at once, however long an account keeps us waiting.
        looks = {"servers": works.rounds.of_everybody()}
        looks |= {f"account {one.account}": self._refreshing(one)() for one in of_accounts}
        domains, resolvers = len(self._ledger.state.domains), works.panel.resolvers
        patience = longest_look(domains, resolvers, self._first_look_slack)
        await first_look(looks, patience, partial(self._go_on, works), self._telemetry)
        spare_from_collection()

    async def _go_on(self, works: _Works) -> None:
        """Do what waits for a first look, as far as one has come."""
        # After the look at a domain alone: what was stored of it may be long past.
        await works.telling.take_up(works.rounds.looked_at.__contains__)
        works.first_look_done.set()
        self._first_look_done.set()
        self._service.looked(len(self._ledger.state.domains), len(works.panel.resolvers))

    async def _visit_first(self, works: _Works) -> None:
        # At addresses that the look brings; those that are scheduled do not wait for it.
        await works.first_look_done.wait()
        await works.rounds.looked_at.are_all.wait()
        check = works.settings.http_check
        if check.enabled:
            await works.visits.of_everybody(check.interval * _SWEPT_SHARE)

    def _is_looked_at(self, domain: DomainName) -> bool:
        """Tell whether it was looked at since the start, by whatever settings."""
        return domain in self._looked_at or domain in self._works.rounds.looked_at

    async def _deliver(self, works: _Works) -> None:
        # A former one lets arrive what is on its way: beside it, that would be sent twice.
        async with self._delivering:
            await works.telling.deliver.run()

    def _plan_anew(self) -> None:
        self._scheduler.drop_all()
        self._service.show_life(self._scheduler)

    def _schedule(self, works: _Works) -> None:
        schedule = works.settings.schedule
        self._every("authorities", schedule.authority_interval, works.rounds.of_authorities)
        interval = schedule.recursive_interval
        if interval is not None:  # otherwise only changes have them asked
            over = interval * _SWEPT_SHARE
            self._every("resolvers", interval, partial(works.rounds.of_resolvers, over=over))
        for name, job in works.telling.jobs(self._is_looked_at):
            self._every(name, _TELLING_INTERVAL, job)
        check = works.settings.http_check
        if check.enabled:
            over = check.interval * _SWEPT_SHARE
            self._every("http check", check.interval, partial(works.visits.of_everybody, over))
        if (
            prune := prune_of(works.settings, self._store, self._ledger, self._around)
        ) is not None:
            self._every("retention", _RETENTION_INTERVAL, prune.run)
        refreshes = {account.name: account.refresh for account in works.settings.accounts}
        for inventory in works.inventories:
            # The configuration's own bindings too: the store may have failed to keep them.
            interval = refreshes.get(inventory.account, schedule.authority_interval)
            self._every(f"inventory {inventory.account}", interval, self._refreshing(inventory))

    def _every(self, name: str, interval: timedelta, job: Job) -> None:
        jitter = self._works.settings.schedule.jitter * interval
        self._scheduler.every(name, interval, job, jitter)

    def _refreshing(self, inventory: Inventory) -> Callable[[], Coroutine[None, None, None]]:
        async def refresh() -> None:
            await self._ask_now(await self._discover(inventory))

        return refresh

    async def _discover(self, inventory: Inventory) -> frozenset[DomainName]:
        return await discover(
            inventory,
            self._ledger,
            self._telemetry,
            self._around.clock,
            fault_policy_of(self._works.settings),
            lambda: inventory in self._works.inventories,
        )

    async def _ask_now(self, unasked: Collection[DomainName]) -> None:
        if unasked:
            await self._works.rounds.of_authorities(unasked)
            await self._works.rounds.of_resolvers(unasked)

    async def _note(self, kind: EventType, within: timedelta | None = None) -> None:
        event = Event(kind, self._around.clock.now(), data={"version": __version__})
        await self._ledger.record(lambda _: Step(events=(event,)), within)

    async def _mind_clock(self) -> None:
        works, clock = self._works, self._around.clock
        while True:
            await asyncio.sleep(_CLOCK_INTERVAL.total_seconds())
            if await mind_clock(self._ledger, works.rounds.followers, clock):
                self._plan_anew()  # it plans by the clock on the wall
                self._schedule(works)

    async def _mind_former_clock(self) -> None:
        newest = await self._store.newest()
        last = await self._store.records(newest - 1, 1) if newest else ()
        last_known = last[0].event.at if last else None
        followers = self._works.rounds.followers
        await mind_former_clock(self._ledger, last_known, followers, self._around.clock)

    async def _announce(self, announcement: Announcement) -> Change:
        followers = self._works.rounds.followers
        return await announce(announcement, self._ledger, followers, self._around.clock)

    def _kept_listener(self, settings: Settings) -> Settings:
        """Return the settings with the keys that only a restart can change as they were."""
        running = self._works.settings.daemon
        wanted = settings.daemon
        for key in type(running).model_fields:
            if getattr(running, key) != getattr(wanted, key):
                log.warning("config.restart_needed", key=f"daemon.{key}")
        return settings.model_copy(update={"daemon": running})

    def _site(self) -> Site:
        daemon = self._works.settings.daemon
        return Site(
            snapshot=self.snapshot,
            history=self._reads.history,
            changes=self._reads,
            feed=self._feed,
            reports=StoredReports(self._reads, lambda: self._works.panel.resolvers),
            announce=self._announce,
            registry=self._registry,
            state_metrics=StateMetrics(self.snapshot, daemon.max_exported_pairs).pieces,
            is_ready=self._first_look_done.is_set,
            is_keeping=lambda: self._ledger.is_keeping,
            reload=self.reload,
            access=self._access.access,
            language=None if daemon.lang.value == "auto" else Language(daemon.lang.value),
        )


def _listener(settings: Settings) -> tuple[str, int]:
    return settings.daemon.listen.host, settings.daemon.listen.port
