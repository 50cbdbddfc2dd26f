"""Everything behind the meter but vehicles: what the same time of week usually draws, shifted by what was just measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.time import Interval, require_aware
from forecasting.quantiles import DEFAULT_LEVELS, require_levels, to_forecast, weighted_quantiles
from forecasting.series import DAY_S, HOUR_S, Floats, Ints, Measurement, Series, local_seconds, resample, zone_of

STEP_S = 900
SLOTS = DAY_S // STEP_S
WINDOW_S = 56 * DAY_S
MEMORY_DAYS = 28.0
SAME_KIND_WEIGHT = 0.4
OTHER_KIND_WEIGHT = 0.02
"""Weight of another weekday of the same kind (workday, weekend) and of the other kind, against 1 for the same weekday."""

RECENT_S = 2 * HOUR_S
FADE_S = 6 * HOUR_S
BAND_SHARE_NOW = 0.35
"""Width of the band right after a measurement, as a share of the usual one."""

PRIOR_LEVELS = (0.02, 0.1, 0.5, 0.9, 0.98)
PRIOR_FACTOR = (0.3, 0.55, 1.0, 1.6, 2.2)
"""Level and factor on `prior_kw` while nothing was measured."""


def forecast_other_load(
    site_id: str,
    timezone: str,
    history: Sequence[Measurement],
    intervals: Sequence[Interval],
    issued_at: datetime,
    levels: Sequence[float] = DEFAULT_LEVELS,
    prior_kw: float = 0.0,
) -> Forecast:
    """Mean load [kW] per interval in local time of week, from `history` (instant, measured kW) before `issued_at`.

    The band is the weighted quantiles of the same quarter hours (one either side) of the last eight weeks; same weekdays and
    recent ones count most. The mean deviation of the last two measured hours is added, fading within FADE_S. Without any
    history the band is around `prior_kw`. InvalidInput for an unknown zone or impossible levels.
    """
    require_aware(issued_at, "issued_at")
    wanted = require_levels(levels)
    zone = zone_of(timezone)
    series = resample(history, issued_at, STEP_S, WINDOW_S)
    middles_s = np.array([(i.starts_at.timestamp() + i.ends_at.timestamp()) / 2 for i in intervals])
    if len(series) == 0:
        band = np.interp(wanted, PRIOR_LEVELS, PRIOR_FACTOR) * prior_kw
        values_kw, method = np.tile(band, (len(intervals), 1)), "no history: the prior"
    else:
        local_s = local_seconds(series.epochs_s, zone)
        targets_s = middles_s.astype(np.int64)
        usual_kw = _usual_kw(series, local_s, local_seconds(targets_s, zone), np.append(wanted, 0.5))
        values_kw = _shift(usual_kw, _deviation_kw(series, local_s), middles_s - series.epochs_s[-1] - STEP_S)
        method = f"time of week over {len(np.unique(local_s // DAY_S))} days, recent level"
    return to_forecast(site_id, ForecastQuantity.OTHER_LOAD_KW, issued_at, intervals, levels, values_kw, method)


def _usual_kw(series: Series, local_s: Ints, targets_s: Ints, levels: Floats) -> Floats:
    """Weighted quantiles [kW] at local `targets_s`: targets x levels."""
    days = np.unique(local_s // DAY_S)
    table = np.full((len(days), SLOTS), np.nan)
    table[np.searchsorted(days, local_s // DAY_S), local_s % DAY_S // STEP_S] = series.values
    slots = (targets_s % DAY_S // STEP_S)[:, None] + np.array([-1, 0, 1])
    samples = table[:, slots % SLOTS].transpose(1, 0, 2).reshape(len(targets_s), -1)
    weights = np.repeat(_day_weights(days, targets_s // DAY_S), 3, axis=1) * np.isfinite(samples)
    result = weighted_quantiles(np.nan_to_num(samples), weights, levels)
    anywhen = weighted_quantiles(series.values[None, :], np.ones((1, len(series))), levels)
    return np.where(np.isnan(result), anywhen, result)


def _day_weights(days: Ints, target_days: Ints) -> Floats:
    """Targets x days. Day 0 was a Thursday, so (day + 3) % 7 is 5 or 6 at the weekend."""
    weekday, target_weekday = (days + 3) % 7, ((target_days + 3) % 7)[:, None]
    same_kind = (weekday >= 5) == (target_weekday >= 5)
    likeness: Floats = np.where(
        weekday == target_weekday, 1.0, np.where(same_kind, SAME_KIND_WEIGHT, OTHER_KIND_WEIGHT)
    )
    recency: Floats = np.exp(-(days[-1] - days) / MEMORY_DAYS)
    return likeness * recency


def _deviation_kw(series: Series, local_s: Ints) -> float:
    """Mean of measured minus usual [kW] over the last measured RECENT_S; 0 while there are no other days to compare with."""
    recent = series.epochs_s > series.epochs_s[-1] - RECENT_S
    earlier = local_s // DAY_S < local_s[recent][0] // DAY_S
    if not earlier.any():
        return 0.0
    past = Series(series.epochs_s[earlier], series.values[earlier], series.step_s)
    usual_kw = _usual_kw(past, local_s[earlier], local_s[recent], np.array([0.5]))[:, 0]
    return float(np.mean(series.values[recent] - usual_kw))


def _shift(usual_kw: Floats, deviation_kw: float, ahead_s: Floats) -> Floats:
    """Usual bands (last column: the median) moved by the recent deviation, and narrower the nearer."""
    weight = np.exp(-np.maximum(ahead_s, 0.0) / FADE_S)[:, None]
    median, band = usual_kw[:, -1:], usual_kw[:, :-1]
    width = 1 - weight * (1 - BAND_SHARE_NOW)
    return np.asarray(np.maximum(median + weight * deviation_kw + width * (band - median), 0.0))
