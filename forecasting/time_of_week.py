"""What the same time of the local week usually brings, shifted by what was just measured."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from forecasting.conformal import with_tails
from forecasting.quantiles import weighted_quantiles
from forecasting.series import DAY_S, HOUR_S, Floats, Ints, Series, local_seconds

STEP_S = 900
SLOTS = DAY_S // STEP_S
WINDOW_S = 56 * DAY_S
LEVELS: Floats = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98])
TAIL_REACH = 2.0
"""Eight weeks hold few days of a kind: what has not been seen yet may lie far outside of what has."""

MEMORY_DAYS = 28.0
SAME_KIND_WEIGHT = 0.6
OTHER_KIND_WEIGHT = 0.02
"""Weight of another weekday of the same kind (workday, weekend) and of the other kind, against 1 for the same weekday."""

RECENT_S = 2 * HOUR_S
FADE_S = 6 * HOUR_S
BAND_SHARE_NOW = 0.7
"""Width of the band right after a measurement, as a share of the usual one."""


def week_quantiles(series: Series, zone: ZoneInfo, middles_s: Floats) -> tuple[Floats, Floats]:
    """Levels from 0 to 1 and quantiles (instants x levels) at `middles_s` [s] after the last step of `series`, which is not empty.

    Weighted quantiles of the same quarter hours (one either side) of the last eight weeks; same weekdays and recent ones count
    most. The mean deviation of the last two measured hours is added, fading within FADE_S. Tails reach beyond what was seen.
    """
    local_s = local_seconds(series.epochs_s, zone)
    targets_s = local_seconds(middles_s.astype(np.int64), zone)
    usual = _usual(series, local_s, targets_s, np.append(LEVELS, 0.5))
    shifted = _shift(usual, _deviation(series, local_s), middles_s - series.epochs_s[-1] - STEP_S)
    return with_tails(LEVELS, np.sort(shifted, axis=1), -np.inf, np.inf, TAIL_REACH, len(LEVELS) // 2)


def _usual(series: Series, local_s: Ints, targets_s: Ints, levels: Floats) -> Floats:
    """Weighted quantiles at local `targets_s`: targets x levels."""
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


def _deviation(series: Series, local_s: Ints) -> float:
    """Mean of measured minus usual over the last measured RECENT_S; 0 while there are no other days to compare with."""
    recent = series.epochs_s > series.epochs_s[-1] - RECENT_S
    earlier = local_s // DAY_S < local_s[recent][0] // DAY_S
    if not earlier.any():
        return 0.0
    past = Series(series.epochs_s[earlier], series.values[earlier], series.step_s)
    usual = _usual(past, local_s[earlier], local_s[recent], np.array([0.5]))[:, 0]
    return float(np.mean(series.values[recent] - usual))


def _shift(usual: Floats, deviation: float, ahead_s: Floats) -> Floats:
    """Usual bands (last column: the median) moved by the recent deviation, and narrower the nearer."""
    weight = np.exp(-np.maximum(ahead_s, 0.0) / FADE_S)[:, None]
    median, band = usual[:, -1:], usual[:, :-1]
    width = 1 - weight * (1 - BAND_SHARE_NOW)
    return np.asarray(median + weight * deviation + width * (band - median))
