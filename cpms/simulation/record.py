"""What the site's meters saw: the worst second against every limit, and means per minute."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from cpms.domain.grid import GridLimit
from cpms.simulation.scenario import Day
from cpms.simulation.vehicle import FloatArray

TOLERANCE = 1e-6
"""Relative; keeps rounding of floats from being called an overload."""


@dataclass(frozen=True)
class LimitRow:
    """One limit over the day: `limit[s]` in `unit` at second s, infinite where it is not in force."""

    name: str
    feeder_id: str
    unit: str
    limit: FloatArray


@dataclass(frozen=True)
class LimitRecord:
    """The worst metered second against a limit: which of the day [s], share of the limit, how far above [%], and seconds [s] above."""

    name: str
    unit: str
    worst_second: int
    worst_share: float
    worst_overload_pct: float
    overload_s: int


def limit_rows(day: Day) -> tuple[LimitRow, ...]:
    """Every limit of the day: each feeder's per phase, the connection's import, and each limit or event in kW."""
    rows = [_feeder_row(day, feeder.id) for feeder in day.site.feeders]
    root = day.site.root.id
    if day.site.import_limit_kw is not None:
        rows.append(LimitRow("grid connection", root, "kW", np.full(day.duration_s, day.site.import_limit_kw)))
    for limit in day.timeline.limits:
        if limit.limit_kw is not None:
            rows.append(LimitRow(limit.reason or limit.id, limit.feeder_id, "kW", _in_force(day, limit)))
    return tuple(rows)


def _feeder_row(day: Day, feeder_id: str) -> LimitRow:
    timeline = day.timeline
    limit_a = np.empty(day.duration_s)
    edges = [day.starts_at, *timeline.breakpoints(day.starts_at, day.ends_at), day.ends_at]
    for start, end in itertools.pairwise(edges):
        limit_a[day.second_of(start) : day.second_of(end)] = timeline.at(feeder_id, start).limit_a
    return LimitRow(f"feeder {feeder_id}", feeder_id, "A", limit_a)


def _in_force(day: Day, limit: GridLimit) -> FloatArray:
    values = np.full(day.duration_s, np.inf)
    first = 0 if limit.starts_at is None else max(0, day.second_of(limit.starts_at))
    last = day.duration_s if limit.ends_at is None else max(0, day.second_of(limit.ends_at))
    values[first:last] = limit.limit_kw
    return values


class Record:
    """Keeps the worst of every limit and sums per minute, second by second."""

    def __init__(self, rows: tuple[LimitRow, ...], connector_count: int, minutes: int) -> None:
        self.rows = rows
        self._limits = np.array([row.limit for row in rows]).T.copy()
        self._worst = np.zeros(len(rows))
        self._worst_second = np.zeros(len(rows), dtype=np.int64)
        self._over_s = np.zeros(len(rows), dtype=np.int64)
        self.connector_kw = np.zeros((minutes, connector_count))
        self.net_kw = np.zeros(minutes)

    def second(self, second: int, values: FloatArray, connector_kw: FloatArray, net_kw: float) -> None:
        """One metered second: `values` in the order and units of `rows`, power [kW] per connector and in all."""
        share = values / self._limits[second]
        self._worst_second[share > self._worst] = second
        np.maximum(self._worst, share, out=self._worst)
        self._over_s += share > 1.0 + TOLERANCE
        minute = second // 60
        self.connector_kw[minute] += connector_kw / 60.0
        self.net_kw[minute] += net_kw / 60.0

    def limits(self) -> tuple[LimitRecord, ...]:
        """The worst second against every limit so far."""
        return tuple(
            LimitRecord(
                row.name,
                row.unit,
                int(at),
                float(worst),
                round(max(0.0, float(worst) - 1.0) * 100, 3) if over_s else 0.0,
                int(over_s),
            )
            for row, at, worst, over_s in zip(self.rows, self._worst_second, self._worst, self._over_s, strict=True)
        )
