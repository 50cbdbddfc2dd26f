"""The billing period's highest window of a load: what a demand charge will be taken on, told while most of the period is unknown.

Every day to come has a highest window distributed as those of days alike (weekday, holiday, temperature, recent), smoothed by a
log-normal kernel, as the highest of twenty days to come lies above those seen; days share a level that is as uncertain as weeks
have differed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from scipy.special import ndtr

from cpms.domain.errors import InvalidInput
from cpms.domain.time import require_aware
from forecasting.arrivals.peak_prices import LEAST_SPREAD, NODES, NORMAL_QUARTILES, SILVERMAN, WEIGHTS
from forecasting.calendar import PLAIN, Calendar
from forecasting.quantiles import DEFAULT_LEVELS, require_levels, weighted_quantiles
from forecasting.series import DAY_S, Floats, Ints, Measurement, Series, local_seconds, resample, zone_of

WINDOW_S = 56 * DAY_S
GRID = 400
QUARTILES: Floats = np.array([0.25, 0.5, 0.75])
HIGHEST = 3.0
"""Nobody expects a window so many times as high as the highest seen."""

LEAST_KW, TINY = 1e-3, 1e-12
LEAST_LEVEL_SPREAD = 0.05
"""Months differ at least by so much [log kW] from the weeks before them, however alike these were."""


@dataclass(frozen=True)
class MonthPeak:
    """The highest window [kW] of the billing period, as quantiles at `levels`; `so_far_kw` [kW] is certain."""

    issued_at: datetime
    so_far_kw: float
    levels: tuple[float, ...]
    peak_kw: tuple[float, ...]


def month_peak(
    history: Sequence[Measurement],
    timezone: str,
    now: datetime,
    billing_ends_at: datetime,
    so_far_kw: float,
    levels: Sequence[float] = DEFAULT_LEVELS,
    window_s: int = 900,
    calendar: Calendar = PLAIN,
) -> MonthPeak:
    """The view at `now`, from `history` (instant, measured kW) before it. `billing_ends_at`: a site-local midnight after `now`.

    Without a whole day of history the peak so far is all that is known. InvalidInput for an unknown zone, impossible levels, naive
    instants, or an end that has passed.
    """
    require_aware(now, "now")
    require_aware(billing_ends_at, "billing_ends_at")
    wanted, zone = require_levels(levels), zone_of(timezone)
    if billing_ends_at <= now:
        raise InvalidInput(
            "billing_ends_at", f"{billing_ends_at} has passed", "give the end of the current billing period"
        )
    measured = resample(history, now, window_s, WINDOW_S)
    local_s = local_seconds(measured.epochs_s, zone)
    ends = (now, billing_ends_at - timedelta(seconds=1))
    now_s, end_s = (int(s) for s in local_seconds(np.array([int(t.timestamp()) for t in ends]), zone))
    ahead = np.arange(now_s // DAY_S, end_s // DAY_S + 1)
    seen = np.unique(local_s // DAY_S)
    seen = seen[seen < ahead[0]]
    if len(seen) == 0:
        return MonthPeak(now, so_far_kw, tuple(levels), (so_far_kw,) * len(levels))
    rest, whole = (_highest(measured, local_s, seen, from_s) for from_s in (now_s % DAY_S, 0))
    levels_of = _levels(whole)
    rest, whole = (peaks_kw * np.exp(levels_of.above) for peaks_kw in (rest, whole))
    powers_kw = np.linspace(so_far_kw, max(so_far_kw, HIGHEST * float(whole.max())), GRID)
    chances = _chances(powers_kw, rest, whole, levels_of.spread(len(ahead) / 7), calendar.likeness(seen, ahead))
    peak_kw = np.maximum(np.interp(wanted, chances, powers_kw), so_far_kw)
    return MonthPeak(now, so_far_kw, tuple(levels), tuple(peak_kw.tolist()))


@dataclass(frozen=True)
class _Levels:
    """How far [log kW] the level of now lies above that of each day; variances of the level of now and of its change in a week."""

    above: Floats
    unknown: float
    moved: float

    def spread(self, weeks: float) -> float:
        """Standard deviation of the mean level of the coming `weeks`."""
        return max(LEAST_LEVEL_SPREAD, float(np.sqrt(self.unknown + self.moved * (weeks + 1.0) / 2.0)))


def _highest(measured: Series, local_s: Ints, days: Ints, from_s: int) -> Floats:
    """Highest window [kW] of each of `days` from local time `from_s` [s] on; 0 where nothing was measured."""
    later = (local_s % DAY_S >= from_s) & np.isin(local_s // DAY_S, days)
    highest = np.zeros(len(days))
    np.maximum.at(highest, np.searchsorted(days, local_s[later] // DAY_S), measured.values[later])
    return highest


def _chances(powers_kw: Floats, rest: Floats, whole: Floats, level_spread: float, weights: Floats) -> Floats:
    """The chance that no day to come (rows of `weights`, the first one's rest) has a window above each power."""
    shifts = np.exp(-NODES * level_spread)
    kinds, counts = np.unique(weights[1:], axis=0, return_counts=True)
    stays = []
    for shift in shifts:
        chance = _below(powers_kw * shift, rest, weights[0])
        for kind, count in zip(kinds, counts, strict=True):
            chance = chance * _below(powers_kw * shift, whole, kind) ** count
        stays.append(chance)
    chances = np.maximum.accumulate(WEIGHTS @ np.array(stays) / WEIGHTS.sum())
    chances[-1] = 1.0
    return np.asarray(chances)


def _below(powers_kw: Floats, peaks_kw: Floats, weight: Floats) -> Floats:
    """Distribution function at `powers_kw` of weighted `peaks_kw`: days on which nothing flows, and those that do, smoothed."""
    share, idle = weight / weight.sum(), peaks_kw <= LEAST_KW
    busy = 1.0 - float(share[idle].sum())
    if busy < TINY:
        return np.ones(len(powers_kw))
    return (1.0 - busy) + busy * _smoothed(powers_kw, peaks_kw[~idle], share[~idle] / busy)


def _smoothed(powers_kw: Floats, peaks_kw: Floats, share: Floats) -> Floats:
    """Smoothed distribution function of `peaks_kw`, as wide as they are: smoothing widens, so samples and kernels are drawn together
    first (Silverman, Density Estimation, 1986, section 6.4.1). Few days of another kind widen no kernel."""
    logs, levels = np.log(peaks_kw), np.log(np.maximum(powers_kw, LEAST_KW))
    low, middle, high = weighted_quantiles(logs[None, :], share[None, :], QUARTILES)[0].tolist()
    spread = max(min(float(np.sqrt(share @ (logs - middle) ** 2)), (high - low) / NORMAL_QUARTILES), LEAST_SPREAD)
    relative = SILVERMAN * (1.0 / (share**2).sum()) ** -0.2
    together = 1.0 / np.sqrt(1.0 + relative**2)
    drawn = middle + together * (logs - middle)
    return np.asarray(ndtr((levels[:, None] - drawn) / (together * relative * spread)) @ share)


def _levels(whole: Floats) -> _Levels:
    """Weeks' mean peaks are a level that walks, and days that differ by themselves (the local level model of Durbin and Koopman, Time
    Series Analysis by State Space Methods, chapter 2): a garage that has emptied is not the garage of eight weeks. Where two weeks
    were not seen, nothing has moved."""
    count = len(whole) // 7
    if count < 2:
        return _Levels(np.zeros(len(whole)), 0.0, 0.0)
    days_kw = whole[len(whole) - 7 * count :].reshape(count, 7)
    weeks_kw = np.maximum(days_kw.mean(axis=1), LEAST_KW)
    changes, apart = np.diff(np.log(weeks_kw)), np.diff(days_kw / weeks_kw[:, None], axis=0)
    by_themselves = float(apart.var()) / 7.0  # twice the variance of a mean of seven such days
    moved = max(0.0, float(np.mean(changes**2)) - by_themselves)
    behind, unknown = _behind(np.log(weeks_kw), moved, by_themselves / 2.0)
    first = np.full(len(whole) - 7 * count, behind[0])
    return _Levels(np.concatenate([first, np.repeat(behind, 7)]), unknown, moved)


def _behind(weeks: Floats, moved: float, noise: float) -> tuple[Floats, float]:
    """How far the smoothed level of each week lies below the last one's, and the variance of that, of a level that moves by `moved`
    (variance) from week to week below `noise`: Kalman's filter and Rauch, Tung and Striebel's smoother."""
    levels, known = weeks.copy(), np.full(len(weeks), noise)
    for week in range(1, len(weeks)):
        expected = known[week - 1] + moved
        gain = expected / max(expected + noise, TINY)
        levels[week] = levels[week - 1] + gain * (weeks[week] - levels[week - 1])
        known[week] = (1.0 - gain) * expected
    for week in range(len(weeks) - 2, -1, -1):
        levels[week] += known[week] / max(known[week] + moved, TINY) * (levels[week + 1] - levels[week])
    return np.asarray(levels[-1] - levels), float(known[-1])
