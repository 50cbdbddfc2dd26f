"""The guard: what the meter says is above a limit is shed at once, without solver or database (G7).

It caps what vehicles below a feeder may draw in all: what they draw now, less the excess. While the cap stands, every wish is fitted
under it. A meter that is stale or reads NaN changes nothing: the ledger never relied on it but for the solar credit, which
then ends; caps stay until a fresh meter shows room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf, isfinite

from cpms.control.settings import ControlSettings
from cpms.domain.grid import FeederLimit
from cpms.domain.telemetry import FeederMeasurement

Cap = tuple[float, float, float, float]
NO_CAP: Cap = (inf, inf, inf, inf)
SHED_FACTOR = 1.05
"""A little more than the excess, because vehicles follow setpoints within a few per cent."""
NEARLY = 0.98
"""Halving comes near what vehicles may draw without a cap, and never there."""


@dataclass
class FeederGuard:
    """One feeder's meter. `cap`: the most that vehicles below may draw on L1, L2, L3 [A] and in all [kW]. `over_since`: since when it
    reads too much, by its own clock and by ours; what either says has lasted has lasted, whatever is wrong with the other."""

    settings: ControlSettings
    cap: Cap = NO_CAP
    over_since: tuple[datetime, datetime] | None = None
    acted_at: datetime | None = None
    fresh_at: datetime | None = None
    measured_kw: float | None = None

    def stale(self, now: datetime) -> bool:
        """Whether its meter was heard before but not lately."""
        return self.fresh_at is not None and (now - self.fresh_at).total_seconds() > self.settings.meter_stale_s

    @property
    def shedding(self) -> bool:
        """Whether a cap is in force."""
        return self.cap != NO_CAP

    def measured(
        self,
        measurement: FeederMeasurement,
        limit: FeederLimit,
        drawn: Callable[[], Sequence[float]],
        room: Sequence[float],
        voltage_v: float,
        now: datetime,
    ) -> bool:
        """Take a reading; True if the cap changed. `drawn`: what vehicles below draw now, `room`: what the ledger lets them draw at
        most, rows as in `cap`."""
        readings = readings_of(measurement, voltage_v)
        if readings is None:
            return False
        self.fresh_at, self.measured_kw = now, measurement.power_kw
        limits = (limit.limit_a, limit.limit_a, limit.limit_a, inf if limit.limit_kw is None else limit.limit_kw)
        excess = [reading - most for reading, most in zip(readings, limits, strict=True)]
        ratio = max(reading / max(most, 1e-9) for reading, most in zip(readings, limits, strict=True))
        if max(excess) > 0:
            return self._over(excess, ratio, drawn, measurement.measured_at, now)
        self.over_since = None
        return self._below(excess, room, now)

    def _over(
        self,
        excess: Sequence[float],
        ratio: float,
        drawn: Callable[[], Sequence[float]],
        measured_at: datetime,
        now: datetime,
    ) -> bool:
        measured_since, heard_since = self.over_since or (measured_at, now)
        self.over_since = min(measured_since, measured_at), heard_since
        lasting = max(measured_at - measured_since, now - heard_since).total_seconds() >= self.settings.overload_s
        if not lasting and ratio < self.settings.overload_at_once:
            return False
        if self._acted_within(self.settings.guard_response_s, now):
            return False
        self.acted_at = now
        caps = [
            min(cap, max(0.0, min(cap, used) - SHED_FACTOR * e)) if e > 0 else cap
            for cap, used, e in zip(self.cap, drawn(), excess, strict=True)
        ]
        self.cap = (caps[0], caps[1], caps[2], caps[3])
        return True

    def _below(self, excess: Sequence[float], room: Sequence[float], now: datetime) -> bool:
        if not self.shedding or self._acted_within(self.settings.guard_release_s, now):
            return False
        self.acted_at = now
        caps = [c - e / 2 if c < inf else inf for c, e in zip(self.cap, excess, strict=True)]
        caps = [inf if c >= NEARLY * most else c for c, most in zip(caps, room, strict=True)]
        self.cap = (caps[0], caps[1], caps[2], caps[3])
        return True

    def _acted_within(self, duration_s: float, now: datetime) -> bool:
        return self.acted_at is not None and (now - self.acted_at).total_seconds() < duration_s


def readings_of(measurement: FeederMeasurement, voltage_v: float) -> Cap | None:
    """L1, L2, L3 [A] and all [kW] of a measurement; None if it is no number. Without currents, power is spread evenly."""
    if not isfinite(measurement.power_kw):
        return None
    even_a = measurement.power_kw * 1000.0 / (3 * voltage_v)
    currents = [even_a if a is None or not isfinite(a) else a for a in measurement.current_a]
    return currents[0], currents[1], currents[2], measurement.power_kw
