"""`[propagation]`: how a change is followed, and how sure a verdict must be."""

from datetime import timedelta

from pydantic import Field, ValidationInfo, field_validator

from monitor.config.durations import Duration, Interval, duration_text
from monitor.config.faults import refused
from monitor.config.section import Section


class Propagation(Section):
    """The window of a change, and the parameters of census and confirmation within it."""

    window: Interval = timedelta(hours=72)
    follow_for: Interval = Field(default=timedelta(days=7), validate_default=True)
    census_min: int = Field(default=8, ge=1, le=1000)
    census_max: int = Field(default=24, ge=1, le=1000, validate_default=True)
    sample_gap: Interval = timedelta(seconds=2)
    expiry_margin: Duration = timedelta(seconds=2)
    fingerprint_tolerance: Duration = timedelta(milliseconds=1600)
    merge_within: Duration = timedelta(seconds=30)
    risk: float = Field(default=0.01, gt=0, lt=1)
    residual_risk: float = Field(default=0.05, gt=0, lt=1)
    max_caches: int = Field(default=64, ge=1, le=10_000)
    max_confirmations: int = Field(default=40, ge=2, le=10_000)
    watch_min: Interval = timedelta(minutes=5)
    watch_max: Interval = Field(default=timedelta(hours=1), validate_default=True)
    overstay_grace: Duration = timedelta(minutes=5)
    overstay_retry: Interval = timedelta(seconds=30)
    overstay_backoff: Interval = timedelta(minutes=30)
    split_alert_after: Duration = timedelta(hours=1)
    split_heartbeat: Interval = timedelta(minutes=30)
    hold_down: Duration = timedelta(minutes=15)
    retry_gap: Interval = timedelta(seconds=3)
    retry_max: Interval = timedelta(minutes=10)
    unreachable_after: Duration = timedelta(minutes=5)

    @field_validator("follow_for")
    @classmethod
    def _outlasts_the_window(cls, follow_for: timedelta, info: ValidationInfo) -> timedelta:
        window: timedelta | None = info.data.get("window")
        if window is not None and follow_for < window:
            raise refused(
                f"must be at least window, {duration_text(window)} "
                f"(got {duration_text(follow_for)})",
                "lengthen follow_for: what has not settled by the deadline is followed on",
            )
        return follow_for

    @field_validator("census_max")
    @classmethod
    def _census_has_room(cls, most: int, info: ValidationInfo) -> int:
        least: int | None = info.data.get("census_min")
        if least is not None and most < least:
            raise refused(
                f"must be at least census_min, {least} (got {most})",
                "raise census_max or lower census_min",
            )
        return most

    @field_validator("watch_max")
    @classmethod
    def _watch_has_room(cls, longest: timedelta, info: ValidationInfo) -> timedelta:
        shortest: timedelta | None = info.data.get("watch_min")
        if shortest is not None and longest < shortest:
            raise refused(
                f"must be at least watch_min, {duration_text(shortest)} "
                f"(got {duration_text(longest)})",
                "raise watch_max or lower watch_min",
            )
        return longest
