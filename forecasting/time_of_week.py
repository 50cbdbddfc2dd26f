"""What the same time of the local week usually brings, moved by what was just measured."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from forecasting.calendar import PLAIN, Calendar
from forecasting.learning.conformal import with_tails
from forecasting.quantiles import weighted_quantiles
from forecasting.series import DAY_S, HOUR_S, Floats, Ints, Series, local_seconds

STEP_S = 900
SLOTS = DAY_S // STEP_S
WINDOW_S = 56 * DAY_S
LEVELS: Floats = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98])
TAIL_REACH = 2.0
"""Eight weeks hold few days of a kind: what has not been seen yet may lie far outside of what has."""

RECENT_S = 2 * HOUR_S
FADE_S = 6 * HOUR_S
LAST_FADES_S = 0.5 * HOUR_S
"""How long the last quarter hour of a load tells more than the last RECENT_S: who is there now has mostly been there a while."""

TINY = 1e-9
BAND_SHARE_NOW = 0.7
"""Levels of the band right after a measurement, as a share of their usual distance from the middle."""


def week_quantiles(
    series: Series, zone: ZoneInfo, middles_s: Floats, calendar: Calendar = PLAIN, scaled: bool = False
) -> tuple[Floats, Floats]:
    """Levels from 0 to 1 and quantiles (instants x levels) at `middles_s` [s] after the last step of `series`, which is not empty.

    Weighted quantiles of the same quarter hours (one either side) of the last eight weeks; same weekdays and recent ones count
    most. The mean deviation of the last two measured hours is added, fading within FADE_S; where `scaled` (loads, which may be 0
    half of the time, and stop at any) that of the last quarter hour at first, and only in proportion to what is below the usual then.
    Tails reach beyond what was seen. `calendar`: what else tells which days are alike.
    """
    local_s = local_seconds(series.epochs_s, zone)
    targets_s = local_seconds(middles_s.astype(np.int64), zone)
    ahead_s = np.maximum(middles_s - series.epochs_s[-1] - STEP_S, 0.0)
    weight, newest = np.exp(-ahead_s / FADE_S)[:, None], np.exp(-ahead_s / LAST_FADES_S)[:, None]
    usual = _narrowed(_usual(series, local_s, targets_s, LEVELS, calendar), weight)
    if not scaled:
        measured, expected = _lately(series, local_s, calendar, RECENT_S)
        moved = usual + weight * (measured - expected)
        return with_tails(LEVELS, moved, -np.inf, np.inf, TAIL_REACH, len(LEVELS) // 2)
    recent, last = (_in_proportion(usual, *_lately(series, local_s, calendar, span_s)) for span_s in (RECENT_S, STEP_S))
    moved = usual + weight * ((1.0 - newest) * recent + newest * last)
    lowest = min(0.0, float(series.values.min()))
    levels, quantiles = with_tails(LEVELS, np.sort(moved, axis=1), lowest, np.inf, TAIL_REACH, len(LEVELS) // 2)
    quantiles[:, 0] = np.minimum(quantiles[:, 0], lowest)  # whatever draws may stop
    return levels, quantiles


def _usual(series: Series, local_s: Ints, targets_s: Ints, levels: Floats, calendar: Calendar) -> Floats:
    """Weighted quantiles at local `targets_s`: targets x levels."""
    days = np.unique(local_s // DAY_S)
    table = np.full((len(days), SLOTS), np.nan)
    table[np.searchsorted(days, local_s // DAY_S), local_s % DAY_S // STEP_S] = series.values
    slots = (targets_s % DAY_S // STEP_S)[:, None] + np.array([-1, 0, 1])
    samples = table[:, slots % SLOTS].transpose(1, 0, 2).reshape(len(targets_s), -1)
    weights = np.repeat(calendar.likeness(days, targets_s // DAY_S), 3, axis=1) * np.isfinite(samples)
    result = weighted_quantiles(np.nan_to_num(samples), weights, levels)
    anywhen = weighted_quantiles(series.values[None, :], np.ones((1, len(series))), levels)
    return np.where(np.isnan(result), anywhen, result)


def _in_proportion(usual: Floats, measured: float, expected: float) -> Floats:
    """How far a load is moved from what is usual where `measured` came for `expected`."""
    return np.asarray(np.clip(usual / max(expected, TINY), 0.0, 1.0) * (measured - expected))


def _lately(series: Series, local_s: Ints, calendar: Calendar, span_s: float) -> tuple[float, float]:
    """Mean of the last measured `span_s` [s], and of what is usual then; twice the same while there are no other days."""
    recent = series.epochs_s > series.epochs_s[-1] - span_s
    measured = float(series.values[recent].mean())
    earlier = local_s // DAY_S < local_s[recent][0] // DAY_S
    if not earlier.any():
        return measured, measured
    past = Series(series.epochs_s[earlier], series.values[earlier], series.step_s)
    usual = _usual(past, local_s[earlier], local_s[recent], np.array([0.5]), calendar)
    return measured, float(usual.mean())


def _narrowed(usual: Floats, weight: Floats) -> Floats:
    """Usual bands (rows x LEVELS) by weights (rows x 1), the nearer the closer their levels to the middle: what is 0 as often as not
    stays so."""
    levels = 0.5 + (LEVELS - 0.5) * (1 - weight * (1 - BAND_SHARE_NOW))
    return np.array([np.interp(asked, LEVELS, row) for asked, row in zip(levels, usual, strict=True)])
