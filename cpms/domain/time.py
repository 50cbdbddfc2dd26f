"""Time: aware UTC instants, half-open intervals, and the clock everything is given instead of asking the machine."""

from __future__ import annotations

import asyncio
import time as _time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from cpms.domain.errors import InvalidInput


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


@dataclass(frozen=True)
class AcceleratedClock:
    """A clock that lives `speed` seconds per second from `starts_at` to `ends_at`, and one per second afterwards.

    It is a pure function of the operating system's monotonic clock, so that several processes given the same three values
    agree on the time, and a process that is killed and started again finds the right one.

    `origin_s`: reading of `time.monotonic()` at which the clock shows `starts_at`.
    """

    starts_at: datetime
    ends_at: datetime
    speed: float
    origin_s: float

    @classmethod
    def starting_now(cls, starts_at: datetime, ends_at: datetime, speed: float) -> AcceleratedClock:
        """A clock that shows `starts_at` at this moment."""
        return cls(starts_at, ends_at, speed, _time.monotonic())

    @classmethod
    def parse(cls, text: str) -> AcceleratedClock:
        """Inverse of `str()`: "starts_at/ends_at/speed/origin_s"."""
        try:
            starts_at, ends_at, speed, origin_s = text.split("/")
            clock = cls(
                datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at), float(speed), float(origin_s)
            )
        except ValueError as error:
            raise InvalidInput("clock", f"{text!r} ({error})", "give starts_at/ends_at/speed/origin_s") from error
        require_aware(clock.starts_at, "clock")
        require_aware(clock.ends_at, "clock")
        return clock

    def __str__(self) -> str:
        return f"{self.starts_at.isoformat()}/{self.ends_at.isoformat()}/{self.speed!r}/{self.origin_s!r}"

    def now(self) -> datetime:
        """The present instant of this clock, aware, UTC."""
        return self.starts_at + timedelta(seconds=self._elapsed_s(_time.monotonic()))

    def monotonic_s(self) -> float:
        """Seconds [s] of this clock since it showed `starts_at`."""
        return self._elapsed_s(_time.monotonic())

    async def sleep(self, duration_s: float) -> None:
        """Wait until this clock has moved on by `duration_s` seconds [s]."""
        until_s = self.monotonic_s() + duration_s
        await asyncio.sleep(max(0.0, self._real_s(until_s) - _time.monotonic()))

    def _elapsed_s(self, real_s: float) -> float:
        accelerated_s = (self.ends_at - self.starts_at).total_seconds()
        elapsed_s = max(0.0, real_s - self.origin_s)
        if elapsed_s * self.speed <= accelerated_s:
            return elapsed_s * self.speed
        return accelerated_s + (elapsed_s - accelerated_s / self.speed)

    def _real_s(self, elapsed_s: float) -> float:
        accelerated_s = (self.ends_at - self.starts_at).total_seconds()
        if elapsed_s <= accelerated_s:
            return self.origin_s + elapsed_s / self.speed
        return self.origin_s + accelerated_s / self.speed + (elapsed_s - accelerated_s)


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

    def advance(self, duration_s: float) -> datetime:
        """Move on by `duration_s` seconds [s]; returns the new instant."""
        self.current += timedelta(seconds=duration_s)
        self.elapsed_s += duration_s
        return self.current

    async def sleep(self, duration_s: float) -> None:
        """Move on by `duration_s` at once and let others run."""
        self.advance(duration_s)
        await asyncio.sleep(0)


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

    def overlap_h(self, other: Interval) -> float:
        """Length [h] of what it shares with `other`."""
        shared = min(self.ends_at, other.ends_at) - max(self.starts_at, other.starts_at)
        return max(0.0, shared.total_seconds() / 3600.0)


def require_aware(instant: datetime, field: str) -> datetime:
    """`instant` in UTC; InvalidInput naming `field` if it carries no zone."""
    if instant.tzinfo is None:
        raise InvalidInput(field, f"{instant.isoformat()} has no time zone", "give an instant with Z or an offset")
    return instant.astimezone(UTC)


def floor_time(instant: datetime, step_s: int) -> datetime:
    """The last whole multiple of `step_s` [s] since the epoch that is not after `instant`."""
    seconds = int(instant.timestamp()) // step_s * step_s
    return datetime.fromtimestamp(seconds, UTC)
