"""The physics of a site, second by second: vehicles under limits, the feeder tree, sun, building and the meters."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from cpms.domain.identity import ConnectorKey
from cpms.domain.units import PHASES, Phase
from cpms.simulation.record import LimitRow, Record, limit_rows
from cpms.simulation.scenario import Day
from cpms.simulation.vehicle import FloatArray, Vehicle, accepted_a, follow

NEVER = np.iinfo(np.int64).max
SWITCH_PAUSE_S = 15
"""A station that changes its phases opens its contactors without current, and waits that long [s] before it charges again."""
VOLTAGE_SWING = 0.012
"""The voltage moves around nominal by at most this share, slowly and a little differently on each phase."""

LimitOf = Callable[[ConnectorKey, int], tuple[float, int]]
"""Limit [A per phase] of a connector from a second of the day on, and the second at which to ask again."""


@dataclass(frozen=True)
class Reading:
    """What a connector's meter shows, per phase in the order of the station's own L1..L3; `offered_a` [A per phase] is
    what the station offers the vehicle."""

    energy_kwh: float
    power_kw: float
    current_a: tuple[float, ...]
    voltage_v: tuple[float, ...]
    offered_a: float = 0.0


@dataclass(frozen=True)
class FeederReading:
    """What a feeder's meter shows: [kW] net and [A] per grid phase."""

    feeder_id: str
    power_kw: float
    current_a: tuple[float, float, float]


class Plant:
    """A site's physics. `advance` moves it on; whatever changes it must come after an `advance` to its instant."""

    def __init__(self, day: Day, seed: int, limit_of: LimitOf | None = None) -> None:
        self.day = day
        self.second = 0
        self.connectors = tuple(day.site.connectors.values())
        self.index = {connector.key: i for i, connector in enumerate(self.connectors)}
        self._limit_of = limit_of
        count = len(self.connectors)
        self.max_current_a = np.array([connector.max_current_a for connector in self.connectors])
        self.limit_a, self._ask_at = np.zeros(count), np.full(count, NEVER, dtype=np.int64)
        self.current_a, self.power_kw, self.register_kwh = np.zeros(count), np.zeros(count), np.zeros(count)
        self.taken_kwh, self.final_kwh, self._vehicle_a = np.zeros(count), np.zeros(count), np.zeros(count)
        self._uses = np.zeros((count, 3))
        self._vehicle_uses = np.zeros((count, 3))
        self._supplies = np.array([[float(p in connector.phases) for p in PHASES] for connector in self.connectors])
        self._supplies_next, self._switch_at = self._supplies.copy(), np.full(count, NEVER, dtype=np.int64)
        self.feeders = tuple(feeder.id for feeder in day.site.feeders)
        self.below = np.array([[float(f in day.site.feeders_of(c.key)) for c in self.connectors] for f in self.feeders])
        self._root = self.feeders.index(day.site.root.id)
        self.solar_kw, self.other_kw = _per_second(day.solar_kw, day), _per_second(day.other_load_kw, day)
        self.voltage_v = _voltage(day, seed)
        self._feeder_a = np.zeros((len(self.feeders), 3))
        rows = limit_rows(day)
        self.record = Record(rows, count, -(-day.duration_s // 60))
        self._row_feeder = np.array([self.feeders.index(row.feeder_id) for row in rows])
        self._row_in_a = np.array([row.unit == "A" for row in rows])

    @property
    def rows(self) -> tuple[LimitRow, ...]:
        """The limits the record watches."""
        return self.record.rows

    @property
    def uses(self) -> FloatArray:
        """Connectors x grid phases: 1 where the vehicle plugged in draws, else 0."""
        return self._uses

    @property
    def wanted_a(self) -> FloatArray:
        """Current [A per phase] that each vehicle would draw now if nothing limited it."""
        return accepted_a(self.taken_kwh, self.final_kwh, self._vehicle_a)

    def plug(self, key: ConnectorKey, vehicle: Vehicle) -> None:
        """A vehicle is plugged in."""
        i = self.index[key]
        connector = self.connectors[i]
        self.taken_kwh[i], self.final_kwh[i], self._vehicle_a[i] = 0.0, vehicle.final_kwh, vehicle.max_current_a
        self._vehicle_uses[i] = [float(phase in connector.phases[: vehicle.phase_count]) for phase in PHASES]
        self._uses[i] = self._vehicle_uses[i] * self._supplies[i]

    def unplug(self, key: ConnectorKey) -> float:
        """The vehicle leaves; returns what it took [kWh]. Its current stops at once."""
        i = self.index[key]
        taken_kwh = float(self.taken_kwh[i])
        self._uses[i] = self._vehicle_uses[i] = 0.0
        for array in (self.taken_kwh, self.final_kwh, self._vehicle_a, self.current_a, self.power_kw):
            array[i] = 0.0
        return taken_kwh

    def set_limit(self, key: ConnectorKey, limit_a: float, ask_again_at: int = NEVER) -> None:
        """From this second on a connector offers `limit_a` [A per phase]."""
        i = self.index[key]
        self.limit_a[i], self._ask_at[i] = min(limit_a, self.max_current_a[i]), ask_again_at

    def supply(self, key: ConnectorKey, phases: Collection[Phase]) -> None:
        """From now on a connector supplies these phases, after a pause without current where that is a change."""
        i = self.index[key]
        wanted = np.array([float(phase in phases) for phase in PHASES])
        if (wanted != self._supplies_next[i]).any():
            self._supplies_next[i], self._switch_at[i] = wanted, self.second + SWITCH_PAUSE_S

    def ask(self, key: ConnectorKey) -> None:
        """A connector's limit may have changed: look it up before the next second."""
        self._ask_at[self.index[key]] = self.second

    def advance(self, to_second: int) -> None:
        """Live all seconds before `to_second` [s from the start of the day]; never beyond the day's end."""
        for second in range(self.second, min(to_second, self.day.duration_s)):
            self._step(second)

    def reading(self, key: ConnectorKey) -> Reading:
        """What the connector's meter shows now."""
        i = self.index[key]
        phases = [PHASES.index(phase) for phase in self.connectors[i].phases]
        volts = self.voltage_v[min(self.second, self.day.duration_s - 1)]
        current_a = tuple(float(self.current_a[i] * self._uses[i, p]) for p in phases)
        voltage_v = tuple(float(volts[p]) for p in phases)
        return Reading(
            float(self.register_kwh[i]), float(self.power_kw[i]), current_a, voltage_v, float(self.limit_a[i])
        )

    def feeder_readings(self) -> tuple[FeederReading, ...]:
        """What every feeder's meter shows now; the root's power is net import."""
        other = self.other_kw[self._last] - self.solar_kw[self._last]
        sums = self.below @ self.power_kw
        sums[self._root] += other
        return tuple(
            FeederReading(feeder, float(kw), (float(a[0]), float(a[1]), float(a[2])))
            for feeder, kw, a in zip(self.feeders, sums, self._feeder_a, strict=True)
        )

    def surroundings_kw(self) -> tuple[float, float]:
        """Solar and other load [kW] in the last second lived."""
        return float(self.solar_kw[self._last]), float(self.other_kw[self._last])

    @property
    def _last(self) -> int:
        return max(0, self.second - 1)

    def _step(self, second: int) -> None:
        if self._ask_at.min() <= second:
            self._ask_limits(second)
        if self._switch_at.min() <= second:
            self._switch(second)
        offered_a = np.where(self._switch_at < NEVER, 0.0, self.limit_a)
        self.current_a = follow(self.current_a, np.minimum(offered_a, self.wanted_a))
        phase_a = self.current_a[:, None] * self._uses
        volts = self.voltage_v[second]
        self.power_kw = phase_a @ volts / 1000.0
        energy_kwh = self.power_kw / 3600.0
        self.taken_kwh += energy_kwh
        self.register_kwh += energy_kwh
        self.second = second + 1
        self._meter(second, phase_a, volts)

    def _switch(self, second: int) -> None:
        for i in np.flatnonzero(self._switch_at <= second):
            self._supplies[i], self._switch_at[i] = self._supplies_next[i], NEVER
            self._uses[i] = self._vehicle_uses[i] * self._supplies[i]

    def _meter(self, second: int, phase_a: FloatArray, volts: FloatArray) -> None:
        other_kw = self.other_kw[second] - self.solar_kw[second]
        feeder_a = self.below @ phase_a
        feeder_kw = self.below @ self.power_kw
        feeder_a[self._root] += other_kw * 1000.0 / 3.0 / volts
        feeder_kw[self._root] += other_kw
        self._feeder_a = np.abs(feeder_a)
        worst_a = self._feeder_a.max(axis=1)
        values = np.where(self._row_in_a, worst_a[self._row_feeder], feeder_kw[self._row_feeder])
        self.record.second(second, values, self.power_kw, float(feeder_kw[self._root]))

    def _ask_limits(self, second: int) -> None:
        for i in np.flatnonzero(self._ask_at <= second):
            key = self.connectors[i].key
            self._ask_at[i] = NEVER
            if self._limit_of is not None:
                self.set_limit(key, *self._limit_of(key, second))


def _per_second(per_minute: tuple[float, ...], day: Day) -> FloatArray:
    return np.interp(np.arange(day.duration_s) / 60.0, np.arange(len(per_minute)), per_minute)


def _voltage(day: Day, seed: int) -> FloatArray:
    """Seconds x phases [V]: three slow waves per phase, with phases drawn from the seed."""
    draw = np.random.default_rng([seed, 230])
    seconds = np.arange(day.duration_s)[:, None]
    swing = np.zeros((day.duration_s, 3))
    for period_s, share in ((43200, 0.5), (3600, 0.3), (240, 0.2)):
        swing += share * np.sin(2 * np.pi * (seconds / period_s + draw.uniform(size=3)))
    return np.asarray(day.site.voltage_v * (1.0 + VOLTAGE_SWING * swing))
