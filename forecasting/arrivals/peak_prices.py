"""What a kW of peak costs today while most of the billing period is unknown: what no later day will need anyway.

Nothing is fitted to a site: what it knows are visits that have ended, and how much weeks differed from each other there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
from scipy.special import ndtr

from cpms.domain.peak_price import PeakPrice
from forecasting.arrivals.base import NO_BASE, Base
from forecasting.arrivals.visits import LOOK_BACK_DAYS, Floats, Visit, alike, is_weekend, least_peak_kw

PEAK_DAYS = 10
"""Days of the same kind, two working weeks, whose least peaks stand for the days to come."""

ENOUGH_DAYS = 3
"""Days of the same kind from which on history speaks louder than `expected_peak_kw`, and a week for its middle."""

SILVERMAN = 1.06
NORMAL_QUARTILES = 1.349
"""Silverman's rule for a kernel's width (Density Estimation, 1986, section 3.4.2), and the distance of a normal's quartiles."""

LEAST_SPREAD = 0.1
"""Days, and weeks, differ at least by so much [log kW], however alike the few seen are."""

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
"""Gauss and Hermite's: an expectation over a standard normal deviate."""

LEVELS = 400
PRICE_BANDS = 20
NEGLIGIBLE_KW = 1e-3

Days = Mapping[date, Sequence[Visit]]


def peak_prices(
    days: Days,
    today: date,
    last: date,
    price_per_kw: float,
    expected_peak_kw: float | None = None,
    base: Base = NO_BASE,
) -> tuple[PeakPrice, ...]:
    """What a kW of peak costs today, level by level: the demand charge times the chance that no later day needs that level anyway.

    price(P) = price_per_kw E_u[product over the days from tomorrow to `last` of F(P e^-u)], the newsvendor's rule for the highest of
    several days. F: least peaks of recent days of a kind, smoothed by a log-normal kernel of Silverman's width, as the highest of
    twenty days to come lies above ten seen. u: the level they all share is as uncertain as weeks have differed here, normal with
    `level_spread`; so a term's end makes nobody pay for peaks that nobody needs any more. In bands of 5 %. Nothing to come, or
    nothing known: the full price from 0. `days`: visits by day of arrival; `expected_peak_kw` [kW] is believed until days were seen;
    `base`: what flowed on these days beside.
    """
    if expected_peak_kw is not None and len(alike(days, today, ENOUGH_DAYS)) < ENOUGH_DAYS and today < last:
        return (PeakPrice(0.0, 0.0), PeakPrice(expected_peak_kw, price_per_kw))
    to_come = [today + timedelta(days=ahead) for ahead in range(1, (last - today).days + 1)]
    kinds = [
        (_needed_kw(days, today, end, base), sum(is_weekend(day) == end for day in to_come)) for end in (False, True)
    ]
    kinds = [(needed_kw, count) for needed_kw, count in kinds if len(needed_kw) and count]
    if not kinds:
        return (PeakPrice(0.0, price_per_kw),)
    levels = np.linspace(0.0, 4 * max(float(needed_kw.max()) for needed_kw, _ in kinds), LEVELS)
    shifts = np.exp(-NODES * level_spread(days, today, base))
    chances = np.array([_chance_of_none(levels * shift, kinds) for shift in shifts])
    chance = WEIGHTS @ chances / WEIGHTS.sum()
    chance[-1] = 1.0  # nobody expects four times the highest
    return _bands_of(levels, chance, price_per_kw)


def level_spread(days: Days, today: date, base: Base = NO_BASE) -> float:
    """Root mean square change of the middle least peak of working days [log kW] from one week back from today to the next."""
    weeks: dict[int, list[float]] = {}
    for back in range(1, LOOK_BACK_DAYS + 1):
        day = today - timedelta(days=back)
        if day in days and not is_weekend(day):
            weeks.setdefault((back - 1) // 7, []).append(_peak_kw(days, day, base))
    middles = [float(np.median(_log(np.array(week)))) for week in weeks.values() if len(week) >= ENOUGH_DAYS]
    changes = np.diff(middles)
    return max(LEAST_SPREAD, float(np.sqrt(np.mean(changes**2)))) if len(changes) else LEAST_SPREAD


def _needed_kw(days: Days, today: date, weekend: bool, base: Base) -> Floats:
    """Least peaks [kW] of recent days of a kind."""
    ahead = (today + timedelta(days=n) for n in range(7))
    like = next(day for day in ahead if is_weekend(day) == weekend)
    recent = [day for day in alike(days, like, PEAK_DAYS) if day < today]
    return np.array([_peak_kw(days, day, base) for day in recent])


def _peak_kw(days: Days, day: date, base: Base) -> float:
    return max(base.highest_kw(day), least_peak_kw(days[day], base))


def _chance_of_none(levels: Floats, kinds: Sequence[tuple[Floats, int]]) -> Floats:
    """The chance that none of the days to come needs more than each of `levels` [kW]; kinds: peaks seen, and days to come."""
    chance = np.ones(len(levels))
    for needed_kw, count in kinds:
        chance *= _chance_below(levels, needed_kw) ** count
    return chance


def _chance_below(levels: Floats, peaks: Floats) -> Floats:
    """Distribution function at `levels` [kW] of a smoothed sample of `peaks` [kW]."""
    logs = _log(peaks)
    width = SILVERMAN * max(_spread(logs), LEAST_SPREAD) * len(peaks) ** -0.2
    return ndtr((_log(levels)[:, None] - logs) / width).mean(axis=1)  # type: ignore[no-any-return]


def _spread(logs: Floats) -> float:
    """Standard deviation, or what the middle half says of it where that is less: a holiday among working days widens nothing."""
    low, high = np.percentile(logs, (25, 75))
    return min(float(logs.std()), float(high - low) / NORMAL_QUARTILES)


def _log(power_kw: Floats) -> Floats:
    return np.log(np.maximum(power_kw, NEGLIGIBLE_KW))


def _bands_of(levels: Floats, chance: Floats, price_per_kw: float) -> tuple[PeakPrice, ...]:
    """The chance's bands as prices, each from the level where it begins."""
    bands = np.round(chance * PRICE_BANDS) / PRICE_BANDS
    changes = np.flatnonzero(np.diff(bands, prepend=np.nan) != 0)
    return tuple(PeakPrice(float(levels[i]), float(bands[i]) * price_per_kw) for i in changes)
