"""What a solar forecast may look at, as rows of numbers. Every row knows only what was measured before its issue.

Everything lies on quarter hours of UTC. A row is an issue (the quarter hour about to begin) and a target (the half hour that
begins `ahead` half hours later). Powers are shares of the cloudless power: the index k of the clear sky.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cpms.domain.site import SolarArray
from forecasting.series import DAY_S, HOUR_S, Floats, Ints, Series
from forecasting.solar.clearsky import ClearSky, array_kw, clear_sky

QUARTER_S = 900
DAY_QUARTERS = DAY_S // QUARTER_S
MIN_CLEAR_SHARE = 0.05
"""Below this share of the peak the index is noise over a small number."""

MAX_INDEX = 1.5
WINDOW_QUARTERS = (1, 2, 4, 8, 16, 32, 96, 288, 672, 2688)
LAG_QUARTERS = (2, 4, 6, 10)
HELD_QUARTERS = 2 * DAY_QUARTERS
HABIT_DAYS = 28


@dataclass(frozen=True)
class SolarGrid:
    """Quarter hours from `start_s` on: measured power [kW] (NaN: unknown), cloudless power [kW], sky, and weather if any.

    `weather_index`: forecast share of the cloudless global irradiance at each quarter hour, `weather_c` [degC]; NaN: unknown.
    """

    array: SolarArray
    start_s: int
    power_kw: Floats
    clear_kw: Floats
    sky: ClearSky
    weather_index: Floats
    weather_c: Floats

    def position(self, epoch_s: float) -> int:
        """Number of the quarter hour that contains `epoch_s` [s]."""
        return int(epoch_s - self.start_s) // QUARTER_S

    @property
    def floor_kw(self) -> float:
        """Cloudless power [kW] below which an index says nothing."""
        return MIN_CLEAR_SHARE * self.array.peak_kw


def lay_grid(array: SolarArray, measured: Series, start_s: int, end_s: int) -> SolarGrid:
    """The grid over `[start_s, end_s)` with `measured` (steps of QUARTER_S, outside the grid left out)."""
    start_s = start_s // QUARTER_S * QUARTER_S
    count = -(-(end_s - start_s) // QUARTER_S)
    epochs_s = start_s + QUARTER_S * np.arange(count, dtype=np.int64)
    power_kw = np.full(count, np.nan)
    place = (measured.epochs_s - start_s) // QUARTER_S
    inside = (place >= 0) & (place < count)
    power_kw[place[inside]] = measured.values[inside]
    sky = clear_sky(array.latitude_deg, array.longitude_deg, epochs_s + QUARTER_S // 2)
    unknown = np.full(count, np.nan)
    return SolarGrid(array, start_s, power_kw, array_kw(array, sky), sky, unknown, unknown)


@dataclass(frozen=True)
class Sums:
    """Running sums over a grid, so that any window is a difference: `bright` power and cloudless power, up to each quarter."""

    power: Floats
    clear: Floats

    def index(self, ends: Ints, length: int) -> Floats:
        """Energy over cloudless energy of the `length` quarters before `ends`; NaN where there was no sun."""
        ends = np.clip(ends, 0, len(self.power) - 1)
        starts = np.maximum(ends - length, 0)
        clear = self.clear[ends] - self.clear[starts]
        power = self.power[ends] - self.power[starts]
        return np.where(clear > 1e-6, power / np.where(clear > 1e-6, clear, 1.0), np.nan)


class SolarTable:
    """Rows of features over a grid."""

    def __init__(self, grid: SolarGrid) -> None:
        self.grid = grid
        bright = np.isfinite(grid.power_kw) & (grid.clear_kw > grid.floor_kw)
        capped_kw = np.minimum(np.where(bright, grid.power_kw, 0.0), MAX_INDEX * grid.clear_kw)
        self.sums = Sums(_running(capped_kw), _running(np.where(bright, grid.clear_kw, 0.0)))
        index = np.where(bright, capped_kw / np.maximum(grid.clear_kw, grid.floor_kw), np.nan)
        self.held, self.held_age = _hold(index, HELD_QUARTERS)
        self._change = _running(np.nan_to_num(np.abs(np.diff(self.held, prepend=self.held[:1]))))
        self._square = _running(np.nan_to_num(self.held) ** 2)
        self._level = _running(np.nan_to_num(self.held))

    def rows(self, issues: Ints, ahead: Ints) -> Floats:
        """Features (rows x columns) of forecasts issued at `issues` (quarters) for half hours `ahead` (0: the next)."""
        targets = issues + 2 * ahead
        columns = (
            self._past(issues) + self._habit(issues, targets) + self._sun(issues, targets) + self._weather(targets)
        )
        return np.column_stack([*columns, ahead.astype(np.float64)])

    def persistence(self, issues: Ints) -> Floats:
        """Smart persistence: the index of the last half hour, or the last known one before it; NaN where nothing is known."""
        now = self.sums.index(issues, 2)
        return np.where(np.isnan(now), self.held[np.maximum(issues - 1, 0)], now)

    def clear_kw(self, targets: Ints) -> Floats:
        """Cloudless mean power [kW] of the half hours that begin at `targets`."""
        return np.asarray((self.grid.clear_kw[targets] + self.grid.clear_kw[targets + 1]) / 2.0)

    def power_kw(self, targets: Ints) -> Floats:
        """Measured mean power [kW] of the half hours that begin at `targets`; NaN where nothing was measured."""
        pair = self.grid.power_kw[np.stack([targets, targets + 1])]
        known = np.isfinite(pair)
        sums = np.where(known, pair, 0.0).sum(axis=0)
        return np.where(known.any(axis=0), sums / np.maximum(known.sum(axis=0), 1), np.nan)

    def _past(self, issues: Ints) -> list[Floats]:
        last = np.maximum(issues - 1, 0)
        windows = [self.sums.index(issues, length) for length in WINDOW_QUARTERS]
        lags = [self.sums.index(issues - lag, 2) for lag in LAG_QUARTERS]
        gusts = [_window(self._change, issues, length) for length in (6, 12)]
        spread = np.sqrt(np.maximum(_window(self._square, issues, 8) - _window(self._level, issues, 8) ** 2, 0.0))
        slope = self.held[last] - self.held[np.maximum(last - 1, 0)]
        return [self.persistence(issues), self.held[last], slope, spread, self.held_age[last], *gusts, *windows, *lags]

    def _habit(self, issues: Ints, targets: Ints) -> list[Floats]:
        """The index at the target's time of day on the last days that are over at the issue."""
        days = -(-(targets + 2 - issues) // DAY_QUARTERS)
        ends = targets + 2 - days * DAY_QUARTERS
        seen = np.stack([self.sums.index(ends - k * DAY_QUARTERS, 2) for k in range(HABIT_DAYS)])
        known = np.isfinite(seen)
        mean = np.where(known, seen, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        return [seen[0], seen[1], np.where(known.any(axis=0), mean, np.nan)]

    def _sun(self, issues: Ints, targets: Ints) -> list[Floats]:
        sky, peak_kw = self.grid.sky, self.grid.array.peak_kw
        turn = 2 * np.pi * (self.grid.start_s + QUARTER_S * targets) / (365.2425 * DAY_S)
        hour = (self.grid.start_s + QUARTER_S * targets) / HOUR_S + self.grid.array.longitude_deg / 15.0
        return [
            self.clear_kw(targets) / peak_kw,
            self.grid.clear_kw[np.maximum(issues - 1, 0)] / peak_kw,
            sky.zenith_deg[targets],
            hour % 24.0,
            np.sin(turn),
            np.cos(turn),
        ]

    def _weather(self, targets: Ints) -> list[Floats]:
        index, count = self.grid.weather_index, len(self.grid.weather_index)
        around = [index[np.clip(targets + shift, 0, count - 1)] for shift in (-2, 0, 2)]
        return [*around, self.grid.weather_c[targets]]


def _running(values: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(values)])


def _window(running: Floats, ends: Ints, length: int) -> Floats:
    """Mean of the `length` values before `ends`."""
    ends = np.clip(ends, 0, len(running) - 1)
    return np.asarray((running[ends] - running[np.maximum(ends - length, 0)]) / length)


def _hold(values: Floats, at_most: int) -> tuple[Floats, Floats]:
    """Each value held until the next, for `at_most` steps, and its age in steps; NaN where there is none so young."""
    number = np.arange(len(values))
    last = np.maximum.accumulate(np.where(np.isfinite(values), number, -1))
    age = np.where((last >= 0) & (number - last <= at_most), (number - last).astype(np.float64), np.nan)
    return np.where(np.isfinite(age), values[np.maximum(last, 0)], np.nan), age
