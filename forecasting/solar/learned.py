"""Solar power ahead by a trained model, corrected by how it did lately; smart persistence wherever that does better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.site import SolarArray
from cpms.domain.time import Interval, require_aware
from cpms.domain.weather import WeatherForecast
from forecasting.learning.conformal import corrected_levels, pool, positions
from forecasting.learning.spread import BAND_SHARE
from forecasting.quantiles import DEFAULT_LEVELS, at_levels, require_levels, to_forecast
from forecasting.score import mean_of
from forecasting.series import DAY_S, HOUR_S, Bools, Floats, Ints, Measurement, Series, resample
from forecasting.solar.features import QUARTER_S, SolarGrid, SolarTable, lay_grid
from forecasting.solar.model import LEAD_BANDS, SolarModel, band_of, scale_kw
from forecasting.solar.persistence import forecast_solar, interval_clear_kw
from forecasting.solar.sensors import find_bad, leave_out

PAST_S = 31 * DAY_S
CALIBRATION_S = 45 * DAY_S
FEEDBACK_S = 7 * DAY_S
CALIBRATION_STEP_QUARTERS = 8
MIN_SUN_ELEVATION_DEG = 5.0
DARK_INDEX_LIGHT_W_M2 = 20.0
LONGEST_GAP_S = 3 * HOUR_S
"""Between words on the weather further apart than this nobody knows what the clouds do."""


@dataclass(frozen=True)
class BandRecord:
    """How a model did lately in one lead band: positions of what came, share inside the 80 % band over the last days, and mean
    squared errors [kW2] of its mean and of smart persistence."""

    positions: Floats
    covered: float = BAND_SHARE
    squared_error: float = 0.0
    persistence_squared_error: float = float("inf")

    @property
    def worse_than_persistence(self) -> bool:
        """Whether smart persistence should serve instead."""
        return self.squared_error > self.persistence_squared_error


NO_RECORD = tuple(BandRecord(np.zeros(0)) for _ in LEAD_BANDS)


def forecast_learned(
    site_id: str,
    model: SolarModel,
    history: Sequence[Measurement],
    intervals: Sequence[Interval],
    issued_at: datetime,
    levels: Sequence[float] = DEFAULT_LEVELS,
    record: Sequence[BandRecord] = NO_RECORD,
    weather: WeatherForecast | None = None,
    simple: Forecast | None = None,
) -> Forecast:
    """Mean power [kW] per interval by `model`, from `history` (instant, measured kW) before `issued_at`.

    `record`: from `review`; `simple`: what `forecast_solar` says to the same, where it is known. Falls back to that in lead
    bands where it was better lately, and as a whole where the model wants weather and `weather` is missing, not yet issued or too
    old. InvalidInput for impossible levels.
    """
    require_aware(issued_at, "issued_at")
    wanted = require_levels(levels)
    simple = simple or forecast_solar(site_id, model.array, history, intervals, issued_at, levels)
    fresh = weather is not None and weather.usable_at(issued_at)
    if not intervals or (model.uses_weather and not fresh):
        return simple
    measured = _clean(model.array, history, issued_at, PAST_S)
    end_s = max(int(i.ends_at.timestamp()) for i in intervals)
    grid = lay_grid(model.array, measured, int(issued_at.timestamp()) - PAST_S, end_s + 4 * QUARTER_S)
    if weather is not None and model.uses_weather:
        grid = with_weather(grid, weather)
    ours_kw = _on_intervals(model, SolarTable(grid), grid.position(issued_at.timestamp()), intervals, wanted, record)
    middles_s = np.array([(i.starts_at.timestamp() + i.ends_at.timestamp()) / 2 for i in intervals])
    ahead = np.maximum(middles_s - issued_at.timestamp(), 0.0) // (2 * QUARTER_S)
    floor = np.array([record[band_of(int(a))].worse_than_persistence for a in ahead])
    values_kw = np.where(floor[:, None], np.array(simple.values), ours_kw)
    method = f"learned until {datetime.fromtimestamp(model.trained_until_s, issued_at.tzinfo):%Y-%m-%d}"
    note = "" if not floor.any() else ", smart persistence where it was better"
    return to_forecast(site_id, ForecastQuantity.SOLAR_KW, issued_at, intervals, levels, values_kw, method + note)


def review(model: SolarModel, history: Sequence[Measurement], now: datetime) -> tuple[BandRecord, ...]:
    """How `model` would have done, per lead band, on what was measured after its training and before `now`.

    Once a day is enough. Models that want weather are not reviewed here: their past forecasts are.
    """
    measured = _clean(model.array, history, now, CALIBRATION_S + PAST_S)
    start_s = max(model.trained_until_s, int(now.timestamp()) - CALIBRATION_S)
    if len(measured) == 0 or start_s >= now.timestamp() or model.uses_weather:
        return NO_RECORD
    table = SolarTable(lay_grid(model.array, measured, start_s - PAST_S, int(now.timestamp())))
    return tuple(_review_band(model, table, start_s, leads) for leads in LEAD_BANDS)


def with_weather(grid: SolarGrid, weather: WeatherForecast) -> SolarGrid:
    """The grid with the forecast's share of the cloudless irradiance, and its temperature, at every quarter hour it covers."""
    middle_s = grid.start_s + QUARTER_S * np.arange(len(grid.power_kw)) + QUARTER_S / 2
    valid_s = np.array([instant.timestamp() for instant in weather.valid_at])
    known = _covered(valid_s, middle_s)
    global_w_m2 = np.where(known, np.interp(middle_s, valid_s, weather.global_w_m2), np.nan)
    light = grid.sky.global_w_m2
    bright = light > DARK_INDEX_LIGHT_W_M2
    index = np.where(bright, global_w_m2 / np.where(bright, light, 1.0), np.nan)
    air_c = np.where(known, np.interp(middle_s, valid_s, weather.air_c), np.nan)
    return replace(grid, weather_index=np.clip(index, 0.0, 1.6), weather_c=air_c)


def _covered(valid_s: Floats, middle_s: NDArray[np.floating]) -> Bools:
    """Whether each instant lies between two words on the weather that are not further apart than LONGEST_GAP_S."""
    after = np.searchsorted(valid_s, middle_s)
    inside = (after > 0) & (after < len(valid_s))
    after = np.clip(after, 1, max(1, len(valid_s) - 1))
    return np.asarray(inside & (valid_s[after] - valid_s[after - 1] <= LONGEST_GAP_S))


def _clean(array: SolarArray, history: Sequence[Measurement], until: datetime, window_s: int) -> Series:
    measured = resample(history, until, QUARTER_S, window_s)
    return leave_out(measured, find_bad(array, measured))


def _on_intervals(
    model: SolarModel,
    table: SolarTable,
    issue: int,
    intervals: Sequence[Interval],
    wanted: Floats,
    record: Sequence[BandRecord],
) -> Floats:
    """Quantiles [kW] (intervals x wanted): the index of the half hours, between their middles, times each interval's sky."""
    count = (len(table.grid.power_kw) - issue - 2) // 2
    rows = [_half_hours(model, table, issue, band, count, wanted, record[band]) for band in range(len(LEAD_BANDS))]
    targets = issue + 2 * np.arange(count)
    scale = scale_kw(table, targets)[:, None]
    index = np.concatenate(rows) / np.where(scale > 0.0, scale, np.inf)
    lit = scale[:, 0] > 0.0
    if not lit.any():
        return np.zeros((len(intervals), len(wanted)))
    clear_kw, middle_s = interval_clear_kw(model.array, intervals)
    at_s = table.grid.start_s + QUARTER_S * (targets[lit] + 1)
    columns = [np.interp(middle_s, at_s, index[lit, level]) * clear_kw for level in range(len(wanted))]
    return np.asarray(np.maximum(np.column_stack(columns), 0.0))


def _half_hours(
    model: SolarModel, table: SolarTable, issue: int, band: int, count: int, wanted: Floats, record: BandRecord
) -> Floats:
    ahead = np.array([a for a in range(count) if band_of(a) == band], dtype=np.int64)
    if len(ahead) == 0:
        return np.zeros((0, len(wanted)))
    levels, raw_kw = model.raw_kw(table, np.full(len(ahead), issue), ahead)
    past = pool(record.positions, model.holdout[band])
    return at_levels(levels, raw_kw, corrected_levels(wanted, past, record.covered))


def _review_band(model: SolarModel, table: SolarTable, start_s: int, leads: tuple[int, ...]) -> BandRecord:
    issues, ahead = _reviewed(table, table.grid.position(start_s), leads)
    if len(issues) == 0:
        return BandRecord(np.zeros(0))
    targets = issues + 2 * ahead
    actual_kw = table.power_kw(targets)
    levels, raw_kw = model.raw_kw(table, issues, ahead)
    where = positions(levels, raw_kw, actual_kw)
    persistence_kw = np.nan_to_num(table.persistence(issues)) * table.clear_kw(targets)
    corrected = corrected_levels(np.array([0.1, 0.9]), pool(where, model.holdout[band_of(int(leads[0]))]))
    lately = targets >= len(table.grid.power_kw) - FEEDBACK_S // QUARTER_S
    inside = (where[lately] >= corrected[0]) & (where[lately] <= corrected[1])
    return BandRecord(
        positions=where,
        covered=float(inside.mean()) if len(inside) else BAND_SHARE,
        squared_error=float(np.mean((mean_of(levels, raw_kw) - actual_kw) ** 2)),
        persistence_squared_error=float(np.mean((persistence_kw - actual_kw) ** 2)),
    )


def _reviewed(table: SolarTable, first: int, leads: tuple[int, ...]) -> tuple[Ints, Ints]:
    """Issues every two hours from `first` on with every lead whose target is over, was measured and had the sun up."""
    issues = np.arange(first, len(table.grid.power_kw), CALIBRATION_STEP_QUARTERS)
    pairs = np.stack(np.meshgrid(issues, np.array(leads), indexing="ij")).reshape(2, -1)
    pairs = pairs[:, pairs[0] + 2 * pairs[1] + 2 <= len(table.grid.power_kw)]
    targets = pairs[0] + 2 * pairs[1]
    high = 90.0 - table.grid.sky.zenith_deg[targets] > MIN_SUN_ELEVATION_DEG
    seen = high & np.isfinite(table.power_kw(targets))
    return pairs[0, seen], pairs[1, seen]
