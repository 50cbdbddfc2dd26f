"""What flows at the grid connection whether vehicles charge or not: other load less sun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
HOUR_S = 3600.0
STEP_H = 0.25


@dataclass(frozen=True)
class Base:
    """Mean power [kW] of quarter hours that begin at `starts_h` [h since the epoch], ascending; negative where sun is left over.
    `days`: the local day of each. What was not measured counts as 0."""

    starts_h: Floats = field(default_factory=lambda: np.zeros(0))
    power_kw: Floats = field(default_factory=lambda: np.zeros(0))
    days: tuple[date, ...] = ()

    @classmethod
    def of(cls, measured: Sequence[tuple[datetime, float]], zone: ZoneInfo) -> Base:
        """From quarter hours by their start, oldest first."""
        starts_h = np.array([starts_at.timestamp() / HOUR_S for starts_at, _ in measured])
        days = tuple(starts_at.astimezone(zone).date() for starts_at, _ in measured)
        return cls(starts_h, np.array([kw for _, kw in measured]), days)

    def kwh(self, from_h: float, until_h: Floats) -> Floats:
        """Energy [kWh] from an instant to each of later ones."""
        edges_h, summed_kwh = self._summed
        return np.asarray(np.interp(until_h, edges_h, summed_kwh) - np.interp(from_h, edges_h, summed_kwh))

    def highest_kw(self, day: date) -> float:
        """The highest quarter hour [kW] of a local day, 0 at least."""
        return self._highest_kw.get(day, 0.0)

    @cached_property
    def _summed(self) -> tuple[Floats, Floats]:
        edges_h = np.column_stack([self.starts_h, self.starts_h + STEP_H]).ravel()
        quarters_kwh = np.column_stack([np.zeros(len(self.power_kw)), STEP_H * self.power_kw]).ravel()
        return np.append(edges_h, np.inf), np.append(quarters_kwh, 0.0).cumsum()

    @cached_property
    def _highest_kw(self) -> dict[date, float]:
        highest: dict[date, float] = {}
        for day, kw in zip(self.days, self.power_kw.tolist(), strict=True):
            highest[day] = max(highest.get(day, 0.0), kw)
        return highest


NO_BASE = Base()
