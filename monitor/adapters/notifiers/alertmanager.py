"""Alerts to Alertmanagers, over their API v2, each told on its own."""

import asyncio
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog

from monitor.adapters.notifiers.workers import Workers
from monitor.core.alert import Alert, Fingerprint
from monitor.ports import DeliveryFailure, NotDelivered, Telemetry

log = structlog.get_logger(__name__)

_HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class PushPolicy:
    """How often an active alert is told again, and how many go into one request.

    An Alertmanager that hears no more of an alert takes it for over after `keeps_for` intervals.
    """

    interval: timedelta = timedelta(seconds=60)
    keeps_for: int = 4
    batch: int = 200

    @property
    def kept_for(self) -> timedelta:
        return self.keeps_for * self.interval


class AlertmanagerPush:
    """Tells all Alertmanagers which alerts are active.

    To be called whenever something changed, and often within an interval otherwise: only what is
    due is posted, and what failed is due at the next call.
    """

    def __init__(
        self,
        urls: Iterable[str],
        workers: Workers,
        telemetry: Telemetry,
        policy: PushPolicy = PushPolicy(),
    ) -> None:
        self._peers = [_Peer(url, workers, telemetry, policy) for url in urls]

    async def push(self, alerts: Collection[Alert], now: datetime) -> None:
        """Tell of these alerts, and that those of earlier calls that are missing are over.

        Failures are counted and logged by the Alertmanager; never raises.
        """
        await asyncio.gather(*(peer.push(alerts, now) for peer in self._peers))


@dataclass(frozen=True, slots=True)
class _Told:
    """What an Alertmanager knows of an alert, and since when."""

    alert: Alert
    at: datetime


class _Peer:
    """One Alertmanager, and what it has been told."""

    def __init__(
        self, url: str, workers: Workers, telemetry: Telemetry, policy: PushPolicy
    ) -> None:
        self._url = f"{url.rstrip('/')}/api/v2/alerts"
        self._name = alertmanager_name(url)
        self._workers = workers
        self._telemetry = telemetry
        self._policy = policy
        self._told: dict[Fingerprint, _Told] = {}
        self._is_failing = False

    async def push(self, alerts: Collection[Alert], now: datetime) -> None:
        given = {alert.fingerprint: alert for alert in alerts}
        self._forget_ended(given, now)
        due = [*self._due(given, now), *self._ended(given, now)]
        for batch in _batches(due, self._policy.batch):
            if not await self._post(batch, now):
                return

    def _forget_ended(self, given: Mapping[Fingerprint, Alert], now: datetime) -> None:
        """Let go of what the Alertmanager takes for over by now, told or by itself."""
        for fingerprint, told in list(self._told.items()):
            is_over = told.alert.ends_at is not None or now - told.at >= self._policy.kept_for
            if fingerprint not in given and is_over:
                del self._told[fingerprint]

    def _due(self, given: Mapping[Fingerprint, Alert], now: datetime) -> Iterator[Alert]:
        for fingerprint, alert in given.items():
            told = self._told.get(fingerprint)
            is_known = told is not None and told.alert == alert
            # A time that lies ahead is of a clock that was put back since.
            is_fresh = told is not None and timedelta() <= now - told.at < self._policy.interval
            if not (is_known and (is_fresh or alert.ends_at is not None)):
                yield alert

    def _ended(self, given: Mapping[Fingerprint, Alert], now: datetime) -> Iterator[Alert]:
        for fingerprint, told in self._told.items():
            if fingerprint not in given:
                yield replace(told.alert, ends_at=now)

    async def _post(self, batch: Sequence[Alert], now: datetime) -> bool:
        """Return whether to go on with the next batch."""
        ends_at = now + self._policy.kept_for
        body = json.dumps([_document(alert, ends_at) for alert in batch]).encode()
        try:
            await self._workers.run(lambda line: line.post(self._url, body, _HEADERS))
        except NotDelivered as failure:
            self._note(failure)
            # One bad alert spoils its batch only; an Alertmanager that is away spoils all.
            return failure.reason is DeliveryFailure.REFUSED
        self._note(None)
        self._told |= {alert.fingerprint: _Told(alert, now) for alert in batch}
        return True

    def _note(self, failure: NotDelivered | None) -> None:
        self._telemetry.pushed(self._name, failure.reason if failure else None)
        where = {"alertmanager": self._name}
        if failure and not self._is_failing:
            log.warning(
                "alertmanager.failed", reason=failure.reason.value, error=str(failure), **where
            )
        elif self._is_failing and not failure:
            log.info("alertmanager.recovered", **where)
        self._is_failing = failure is not None


def alertmanager_name(url: str) -> str:
    """Return what of its URL a metric and a log line may hold: host and port."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _batches(alerts: Sequence[Alert], size: int) -> Iterator[Sequence[Alert]]:
    for start in range(0, len(alerts), size):
        yield alerts[start : start + size]


def _document(alert: Alert, ends_at: datetime) -> dict[str, Any]:
    end = ends_at if alert.ends_at is None else max(alert.ends_at, alert.starts_at)
    document: dict[str, Any] = {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": alert.starts_at.isoformat(),
        "endsAt": end.isoformat(),
    }
    return document | ({"generatorURL": alert.generator_url} if alert.generator_url else {})
