"""`[schedule]`, `[http_check]`, `[retention]`: how often we ask, and how long we keep it."""

from datetime import timedelta

from pydantic import Field, ValidationInfo, field_validator

from monitor.config.durations import Interval, RecursiveInterval, Retention, duration_text
from monitor.config.faults import refused
from monitor.config.section import Section


class Schedule(Section):
    """How often authorities and resolvers are asked, and how patiently."""

    authority_interval: Interval = timedelta(seconds=60)
    authority_fast_interval: Interval = timedelta(seconds=10)
    recursive_interval: RecursiveInterval = timedelta(minutes=5)
    timeout: Interval = timedelta(seconds=2)
    attempts: int = Field(default=3, ge=1, le=10)
    max_in_flight: int = Field(default=1000, ge=1, le=65535)
    jitter: float = Field(default=0.1, ge=0, le=1, allow_inf_nan=False)

    @field_validator("authority_fast_interval")
    @classmethod
    def _fast_is_faster(cls, fast: timedelta, info: ValidationInfo) -> timedelta:
        usual: timedelta | None = info.data.get("authority_interval")
        if usual is not None and fast > usual:
            raise refused(
                f"must be at most authority_interval, {duration_text(usual)} "
                f"(got {duration_text(fast)})",
                "while a change is open the authorities are asked more often, not less",
            )
        return fast


class HttpCheck(Section):
    """Whether and how the bucket itself is asked with the domain as its host."""

    enabled: bool = False
    interval: Interval = timedelta(minutes=10)
    timeout: Interval = Field(default=timedelta(seconds=5), validate_default=True)
    port: int = Field(default=80, ge=1, le=65535)
    tls: bool = False
    tls_port: int = Field(default=443, ge=1, le=65535)
    allow_private: bool = False

    @field_validator("timeout")
    @classmethod
    def _answers_before_the_next(cls, timeout: timedelta, info: ValidationInfo) -> timedelta:
        interval: timedelta | None = info.data.get("interval")
        if interval is not None and timeout >= interval:
            raise refused(
                f"must be shorter than interval, {duration_text(interval)} "
                f"(got {duration_text(timeout)})",
                "shorten timeout or lengthen interval, so that checks never overlap",
            )
        return timeout


class RetentionSettings(Section):
    """How long changes are kept; "0" is for ever."""

    changes: Retention = None
