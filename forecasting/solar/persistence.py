"""Solar power ahead: clear sky times an index that fades from what was just measured to what the site usually sees."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.site import SolarArray
from cpms.domain.time import Interval, require_aware
from forecasting.quantiles import DEFAULT_LEVELS, require_levels, to_forecast, weighted_quantiles
from forecasting.series import DAY_S, HOUR_S, Floats, Ints, Measurement, resample
from forecasting.solar.clearsky import clear_sky_kw, require_array

STEP_S = 900
WINDOW_S = 21 * DAY_S
RECENT_S = HOUR_S
FADE_S = 5 * HOUR_S
"""Time in which what was measured loses most of its say (1/e) to what is usual."""

MIN_CLEAR_SHARE = 0.05
"""Below this share of the peak the index is noise over a small number."""

MAX_INDEX = 1.5
PRIOR_LEVELS = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
PRIOR_INDEX = (0.05, 0.2, 0.5, 0.82, 0.98, 1.03, 1.1)
PRIOR_DAYS = 3.0
"""Clear-sky index of a temperate place, and for how many days of its own measurements it counts."""


def forecast_solar(
    site_id: str,
    array: SolarArray,
    history: Sequence[Measurement],
    intervals: Sequence[Interval],
    issued_at: datetime,
    levels: Sequence[float] = DEFAULT_LEVELS,
) -> Forecast:
    """Mean power [kW] of `array` per interval, from its clear sky and `history` (instant, measured kW) before `issued_at`.

    quantile(level, h) = clear(h) * (w(h) * index now + (1 - w(h)) * usual quantile(level)), w(h) = exp(-h / FADE_S):
    smart persistence near now, the array's own climate far ahead, and a band that widens between them. Works without
    history (a temperate climate then), at night and in polar night (0). InvalidInput for an impossible array or level.
    """
    require_aware(issued_at, "issued_at")
    wanted = require_levels(levels)
    require_array(array)
    index_at, index = _measured_index(array, history, issued_at)
    usual = _usual_index(index, index_at, wanted)
    clear_kw, middle_s = interval_clear_kw(array, intervals)
    if len(index):
        weight = np.exp(-np.maximum(middle_s - index_at[-1] - STEP_S, 0.0) / FADE_S)[:, None]
        factor = weight * _index_now(index_at, index) + (1 - weight) * usual
    else:
        factor = np.broadcast_to(usual, (len(intervals), len(wanted)))
    values_kw = clear_kw[:, None] * factor
    method = f"clear sky with {len(index)} measured quarter hours" if len(index) else "clear sky, temperate climate"
    return to_forecast(site_id, ForecastQuantity.SOLAR_KW, issued_at, intervals, levels, values_kw, method)


def _measured_index(array: SolarArray, history: Sequence[Measurement], issued_at: datetime) -> tuple[Ints, Floats]:
    series = resample(history, issued_at, STEP_S, WINDOW_S)
    clear_kw = clear_sky_kw(array, series.epochs_s + STEP_S // 2)
    bright = clear_kw > MIN_CLEAR_SHARE * array.peak_kw
    return series.epochs_s[bright], np.clip(series.values[bright] / clear_kw[bright], 0.0, MAX_INDEX)


def _index_now(index_at: Ints, index: Floats) -> float:
    return float(index[index_at > index_at[-1] - RECENT_S].mean())


def _usual_index(index: Floats, index_at: Ints, levels: Floats) -> Floats:
    """Quantiles of the measured index, helped by the prior as if that had been measured for PRIOR_DAYS."""
    prior_levels = np.linspace(0.005, 0.995, 100)
    prior = np.interp(prior_levels, PRIOR_LEVELS, PRIOR_INDEX)
    days = len(np.unique(index_at // DAY_S))
    per_day = len(index) / days if days else 1.0
    samples = np.concatenate([index, prior])[None, :]
    weights = np.concatenate([np.ones(len(index)), np.full(len(prior), PRIOR_DAYS * per_day / len(prior))])[None, :]
    quantiles: Floats = weighted_quantiles(samples, weights, levels)[0]
    return quantiles


def interval_clear_kw(array: SolarArray, intervals: Sequence[Interval]) -> tuple[Floats, Floats]:
    """Clear-sky mean [kW] of each interval from three points in it, and its middle [s]."""
    starts_s = np.array([i.starts_at.timestamp() for i in intervals])
    lengths_s = np.array([i.ends_at.timestamp() for i in intervals]) - starts_s
    points_s = starts_s[:, None] + lengths_s[:, None] * np.array([1 / 6, 1 / 2, 5 / 6])
    clear_kw = clear_sky_kw(array, points_s.ravel().astype(np.int64)).reshape(points_s.shape)
    mean_kw: Floats = clear_kw.mean(axis=1)
    return mean_kw, starts_s + lengths_s / 2
