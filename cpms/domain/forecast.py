"""What is expected, as quantiles."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cpms.domain.errors import InvalidInput
from cpms.domain.time import Interval


class ForecastQuantity(enum.Enum):
    """What a forecast is about; the unit is the suffix.

    `ARRIVALS_KWH`: energy of the vehicles that come within the interval. `PEAK_IMPORT_KW`: the billing period's highest demand window.
    """

    SOLAR_KW = "solar_kw"
    OTHER_LOAD_KW = "other_load_kw"
    IMPORT_PRICE_PER_KWH = "import_price_per_kwh"
    STAY_H = "stay_h"
    SESSION_ENERGY_KWH = "session_energy_kwh"
    ARRIVALS_KWH = "arrivals_kwh"
    PEAK_IMPORT_KW = "peak_import_kw"
    CO2_G_PER_KWH = "co2_g_per_kwh"


@dataclass(frozen=True)
class Forecast:
    """Quantiles per interval. `values[i][j]` is the `levels[j]` quantile in `intervals[i]`; levels and rows ascend.

    `issued_at`: when it was made; it knows nothing later. `method`: how, for people. `model_version`: the trained model
    that made it, 0 for the simple forecast; `fallback`: why that serves although there is a model.
    """

    site_id: str
    quantity: ForecastQuantity
    issued_at: datetime
    intervals: tuple[Interval, ...]
    levels: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]
    method: str = ""
    model_version: int = 0
    fallback: str = ""

    def __post_init__(self) -> None:
        if len(self.values) != len(self.intervals) or any(len(row) != len(self.levels) for row in self.values):
            raise InvalidInput("values", "do not have a row per interval and a column per level", "correct the shape")
        if list(self.levels) != sorted(self.levels) or not self.levels:
            raise InvalidInput("levels", f"{self.levels} do not ascend", "sort them")

    def quantile(self, level: float) -> tuple[float, ...]:
        """The quantile per interval, linear between the levels there are, the outermost one beyond them."""
        return tuple(_interpolate(self.levels, row, level) for row in self.values)

    def at(self, instant: datetime, level: float = 0.5) -> float | None:
        """The quantile in the interval that contains `instant`; None outside of all."""
        for interval, row in zip(self.intervals, self.values, strict=True):
            if interval.contains(instant):
                return _interpolate(self.levels, row, level)
        return None


def _interpolate(levels: Sequence[float], row: Sequence[float], level: float) -> float:
    if level <= levels[0]:
        return row[0]
    for left in range(len(levels) - 1):
        if level <= levels[left + 1]:
            share = (level - levels[left]) / (levels[left + 1] - levels[left])
            return row[left] + share * (row[left + 1] - row[left])
    return row[-1]
