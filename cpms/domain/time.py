"""Time: aware UTC instants, half-open intervals, and the clock everything is given instead of asking the machine."""

from __future__ import annotations

import asyncio
import enum
import time as _time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from cpms.domain.errors import InvalidInput

HELD_POLL_S = 0.01
"""How often [s of the machine] a sleeper looks whether a held clock was released."""


class Clock(Protocol):
    """Where `now` comes from. Leases run on `monotonic_s`, which no NTP step moves (invariant G12)."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds [s] since an arbitrary origin; never goes back."""
        ...

    async def sleep(self, duration_s: float) -> None:
        """Wait `duration_s` seconds [s] of this clock's time."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Seconds [s] of the operating system's monotonic clock."""
        return _time.monotonic()

    async def sleep(self, duration_s: float) -> None:
        """Wait `duration_s` seconds [s]."""
        await asyncio.sleep(duration_s)


@dataclass
class AcceleratedClock:
    """A clock that lives `speed` seconds per second from `starts_at` to `ends_at`, and one per second afterwards.

    It is a pure function of the operating system's monotonic clock and of `origin_s`, the reading of `time.monotonic()` at
    which it begins to move, so that several processes agree on the time, and one that is killed and started again finds the
    right one. While `origin_s` is None the clock stands still at `starts_at`, until `release` writes `origin_file`.
    """

    starts_at: datetime
    ends_at: datetime
    speed: float
    origin_s: float | None = None
    origin_file: Path | None = None

    @classmethod
    def held(cls, starts_at: datetime, ends_at: datetime, speed: float, origin_file: Path) -> AcceleratedClock:
        """A clock that stands still in every process until one of them calls `release`."""
        origin_file.unlink(missing_ok=True)
        return cls(starts_at, ends_at, speed, None, origin_file)

    @classmethod
    def parse(cls, text: str) -> AcceleratedClock:
        """Inverse of `str()`: "starts_at|ends_at|speed|origin_s", or the path of the file that will hold `origin_s`."""
        try:
            starts_at, ends_at, speed, origin = text.split("|")
            clock = cls(datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at), float(speed))
            if origin.startswith("/"):
                clock.origin_file = Path(origin)
            else:
                clock.origin_s = float(origin)
        except ValueError as error:
            raise InvalidInput("clock", f"{text!r} ({error})", "give starts_at|ends_at|speed|origin_s") from error
        require_aware(clock.starts_at, "clock")
        require_aware(clock.ends_at, "clock")
        return clock

    def __str__(self) -> str:
        origin = self.origin_s if self.origin_file is None else self.origin_file.resolve()
        return f"{self.starts_at.isoformat()}|{self.ends_at.isoformat()}|{self.speed!r}|{origin}"

    def release(self) -> None:
        """Let the clock move from now on, in every process that reads the same file."""
        self.origin_s = _time.monotonic()
        if self.origin_file is not None:
            fresh = self.origin_file.with_suffix(".new")
            fresh.write_text(repr(self.origin_s))
            fresh.replace(self.origin_file)

    def now(self) -> datetime:
        """The present instant of this clock, aware, UTC."""
        return self.starts_at + timedelta(seconds=self.monotonic_s())

    def monotonic_s(self) -> float:
        """Seconds [s] of this clock since it showed `starts_at`."""
        origin_s = self._origin_s()
        return 0.0 if origin_s is None else self._elapsed_s(_time.monotonic() - origin_s)

    async def sleep(self, duration_s: float) -> None:
        """Wait until this clock has moved on by `duration_s` seconds [s]; for ever, if it is never released."""
        until_s = self.monotonic_s() + duration_s
        while (origin_s := self._origin_s()) is None:  # noqa: ASYNC110 - released by another process, without an event
            await asyncio.sleep(HELD_POLL_S)
        await asyncio.sleep(max(0.0, origin_s + self._real_s(until_s) - _time.monotonic()))

    def _origin_s(self) -> float | None:
        if self.origin_s is None and self.origin_file is not None and self.origin_file.exists():
            self.origin_s = float(self.origin_file.read_text())
        return self.origin_s

    def _elapsed_s(self, real_s: float) -> float:
        """Seconds of this clock after `real_s` seconds of movement."""
        accelerated_s = (self.ends_at - self.starts_at).total_seconds()
        real_s = max(0.0, real_s)
        if real_s * self.speed <= accelerated_s:
            return real_s * self.speed
        return accelerated_s + (real_s - accelerated_s / self.speed)

    def _real_s(self, elapsed_s: float) -> float:
        """Inverse of `_elapsed_s`."""
        accelerated_s = (self.ends_at - self.starts_at).total_seconds()
        if elapsed_s <= accelerated_s:
            return elapsed_s / self.speed
        return accelerated_s / self.speed + (elapsed_s - accelerated_s)


@dataclass
class ManualClock:
    """A clock that moves only when told to: for tests and simulators."""

    current: datetime
    elapsed_s: float = 0.0

    def __post_init__(self) -> None:
        require_aware(self.current, "current")

    def now(self) -> datetime:
        """The instant it was last moved to."""
        return self.current

    def monotonic_s(self) -> float:
        """Seconds [s] moved since it was made."""
        return self.elapsed_s

    def set_to(self, instant: datetime) -> None:
        """Show another instant without time having passed, as NTP and people do."""
        self.current = require_aware(instant, "instant")

    def advance(self, duration_s: float) -> datetime:
        """Move on by `duration_s` seconds [s]; returns the new instant."""
        self.current += timedelta(seconds=duration_s)
        self.elapsed_s += duration_s
        return self.current

    async def sleep(self, duration_s: float) -> None:
        """Move on by `duration_s` at once and let others run."""
        self.advance(duration_s)
        await asyncio.sleep(0)


class StepWatch:
    """Notices that a clock was set: what it shows and the time that passed no longer go together (invariant G12)."""

    def __init__(self, clock: Clock, tolerance_s: float = 1.0) -> None:
        self._clock = clock
        self._tolerance_s = tolerance_s
        self._origin, _ = self._look()

    def step(self) -> timedelta:
        """By how much the clock was set since the last call; zero for less than `tolerance_s` [s]."""
        origin, doubt_s = self._look()
        by = origin - self._origin
        if abs(by.total_seconds()) < self._tolerance_s + doubt_s:
            return timedelta()
        self._origin = origin
        return by

    def _look(self) -> tuple[datetime, float]:
        """What the clock showed when the monotonic one was at zero, and how long [s] looking at both took."""
        before_s = self._clock.monotonic_s()
        now = self._clock.now()
        doubt_s = self._clock.monotonic_s() - before_s
        return now - timedelta(seconds=before_s), doubt_s


@dataclass(frozen=True, order=True)
class Interval:
    """Half-open `[starts_at, ends_at)`, both aware."""

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        require_aware(self.starts_at, "starts_at")
        require_aware(self.ends_at, "ends_at")
        if self.ends_at <= self.starts_at:
            raise InvalidInput("ends_at", f"{self.ends_at} is not after {self.starts_at}", "give a later instant")

    @property
    def duration_h(self) -> float:
        """Length [h]."""
        return (self.ends_at - self.starts_at).total_seconds() / 3600.0

    def contains(self, instant: datetime) -> bool:
        """Whether `instant` lies in it."""
        return self.starts_at <= instant < self.ends_at


class Resolution(enum.Enum):
    """Length of the steps in which a series is told."""

    QUARTER = "15min"
    HOUR = "hour"
    DAY = "day"


_LENGTH = {Resolution.QUARTER: timedelta(minutes=15), Resolution.HOUR: timedelta(hours=1)}


def local_steps(since: datetime, until: datetime, resolution: Resolution, timezone: str) -> Iterator[Interval]:
    """The whole steps of local time that have a part in `[since, until)`; days last as long as `timezone`'s do."""
    zone = ZoneInfo(timezone)
    local = floor_time(since, 900).astimezone(zone)
    if resolution is not Resolution.QUARTER:
        local = local.replace(minute=0, hour=local.hour if resolution is Resolution.HOUR else 0)
    begin = local.astimezone(UTC)
    while begin < until:
        if resolution is Resolution.DAY:
            local = begin.astimezone(zone) + timedelta(days=1)  # the wall clock's next midnight
            end = local.astimezone(UTC)
        else:
            end = begin + _LENGTH[resolution]
        yield Interval(begin, end)
        begin = end


def require_aware(instant: datetime, field: str) -> datetime:
    """`instant` in UTC; InvalidInput naming `field` if it carries no zone."""
    if instant.tzinfo is None:
        raise InvalidInput(field, f"{instant.isoformat()} has no time zone", "give an instant with Z or an offset")
    return instant.astimezone(UTC)


def floor_time(instant: datetime, step_s: int) -> datetime:
    """The last whole multiple of `step_s` [s] since the epoch that is not after `instant`."""
    seconds = int(instant.timestamp()) // step_s * step_s
    return datetime.fromtimestamp(seconds, UTC)
