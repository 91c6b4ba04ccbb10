"""`[alerting]`: when people are told, through which channels."""

from datetime import timedelta
from enum import Enum
from typing import Annotated

from pydantic import Field

from monitor.config.durations import Interval
from monitor.config.fields import NOT_EMPTY, Word
from monitor.config.globs import DomainGlob, Glob
from monitor.config.secret import NoticeUrl, ServiceUrl
from monitor.config.section import Section


class Severity(Enum):
    """How bad, from mild to grave."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class ChannelLang(Enum):
    ENGLISH = "en"
    CHINESE = "zh"


class Channel(Section):
    """One place to tell: what is at least as grave as `severity`, of the domains that match."""

    name: Word
    url: NoticeUrl
    severity: Annotated[Severity, Field(strict=False)] = Severity.INFO
    domains: Annotated[tuple[DomainGlob, ...], NOT_EMPTY] = (Glob("**"),)
    lang: Annotated[ChannelLang, Field(strict=False)] = ChannelLang.ENGLISH


class Alertmanager(Section):
    """The Alertmanagers that get every alert."""

    urls: tuple[ServiceUrl, ...] = ()


class Alerting(Section):
    """How many rounds a status must hold, and how often a person hears of it again."""

    fail_after: int = Field(default=2, ge=1, le=100)
    recover_after: int = Field(default=2, ge=1, le=100)
    quorum: float = Field(default=0.5, gt=0, le=1)
    min_coverage: float = Field(default=0.5, ge=0, le=1)
    remind: Interval = timedelta(hours=24)
    certificate_warning: Interval = timedelta(days=21)
    ttl_warning: Interval = timedelta(days=1)
    channels: tuple[Channel, ...] = ()
    alertmanager: Alertmanager = Alertmanager()
