"""What prices beyond the published day would have been told, day by day, and what that says of the next ones.

The hours of a day come true together, so bands learn day by day: the share of a day's hours outside moves the next day's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cpms.domain.errors import InvalidInput
from cpms.domain.tariff import PriceInterval
from forecasting.learning.conformal import Past, corrected_levels, pool, positions, reached_levels
from forecasting.learning.spread import Paced, Spread
from forecasting.prices.day_ahead import DAYS_BEYOND, Pasts, price_series
from forecasting.quantiles import at_levels
from forecasting.score import FINE_LEVELS, rmse, score
from forecasting.series import DAY_S, HOUR_S, Floats, Ints, Series, zone_of
from forecasting.site_backtest import Tested
from forecasting.time_of_week import STEP_S, WINDOW_S, week_quantiles

REVIEW_DAYS = 28
WEEK_S = 7 * DAY_S
HOURS_S: Ints = (np.arange(24 * DAYS_BEYOND) * HOUR_S).astype(np.int64)
NO_POSITIONS: Floats = np.zeros(0)


@dataclass(frozen=True)
class PriceHindcast:
    """Forecasts of the hours of one day beyond the published: their begins [s], quantiles at FINE_LEVELS, the same hour a week before,
    and what came."""

    target_s: Ints
    quantiles: Floats
    last_week: Floats
    actual: Floats


@dataclass(frozen=True)
class _Told:
    """What was told when prices were published until `published_s` [s]: levels, quantiles of HOURS_S from then, and what came."""

    published_s: int
    levels: Floats
    quantiles: Floats
    actual: Floats

    def part(self, beyond: int) -> slice:
        """The hours of a day beyond."""
        return slice(24 * beyond, 24 * (beyond + 1))


def review_prices(published: Sequence[PriceInterval], timezone: str) -> Pasts | None:
    """How bands of the last REVIEW_DAYS came out, to correct the next ones with: for each day beyond. `published`: any past, from
    WINDOW_S before them. None where there is too little.

    Factors and surcharges move no position, so the market's prices tell of every tariff that follows it. Once a day is enough.
    """
    if not published:
        return None
    series, zone = price_series(published, WINDOW_S + (REVIEW_DAYS + DAYS_BEYOND) * DAY_S), zone_of(timezone)
    end_s = int(series.epochs_s[-1]) + STEP_S
    ends = [end_s - back * DAY_S for back in range(REVIEW_DAYS + DAYS_BEYOND - 1, 0, -1)]
    told = [_tell(series, zone, at_s) for at_s in ends if at_s - WINDOW_S >= series.epochs_s[0]]
    return tuple(_past(told, beyond, end_s) for beyond in range(DAYS_BEYOND)) if told else None


def hindcast_prices(series: Series, zone: ZoneInfo, midnights_s: Sequence[int]) -> tuple[PriceHindcast, ...]:
    """Forecasts told at each of `midnights_s` [s], ascending, until which prices were published: one hindcast per day beyond.

    The first REVIEW_DAYS of them only correct the others.
    """
    told = [_tell(series, zone, at_s) for at_s in midnights_s]
    return tuple(_hindcast(series, told, beyond) for beyond in range(DAYS_BEYOND))


def backtest_prices(timezone: str, published: Sequence[PriceInterval], since: datetime) -> list[Tested]:
    """Prices [money/kWh] of the hours of each day beyond, told at every local midnight from `since` on. InvalidInput where too little
    lies before or after."""
    zone, series = zone_of(timezone), price_series(published, 10 * WINDOW_S)
    first, last = since.astimezone(zone).date(), datetime.fromtimestamp(int(series.epochs_s[-1]), zone).date()
    days = [first + timedelta(days=n) for n in range(1 - REVIEW_DAYS, (last - first).days)]
    midnights_s = [int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) for day in days]
    if len(days) <= REVIEW_DAYS or midnights_s[0] - DAY_S <= series.epochs_s[0]:
        raise InvalidInput(
            "from", f"leaves less than {REVIEW_DAYS + 1} days before it, or none after", "give another instant"
        )
    usual = float(np.abs(series.values).mean())
    tested = []
    for beyond, made in enumerate(hindcast_prices(series, zone, midnights_s), start=1):
        baseline = rmse(made.last_week, made.actual)
        scored = score(FINE_LEVELS, made.quantiles, made.actual, usual, baseline)
        tested.append(Tested("prices", 24.0 * beyond, usual, "money/kWh", "same hour last week", scored))
    return tested


def _tell(series: Series, zone: ZoneInfo, published_s: int) -> _Told:
    first, last = np.searchsorted(series.epochs_s, [published_s - WINDOW_S, published_s])
    known = Series(series.epochs_s[first:last], series.values[first:last], STEP_S)
    levels, quantiles = week_quantiles(known, zone, (published_s + HOURS_S + HOUR_S / 2).astype(np.float64))
    return _Told(published_s, levels, quantiles, _at(series, published_s + HOURS_S))


def _at(series: Series, instants_s: Ints) -> Floats:
    """Values of quarter hours that begin then, NaN where there is none."""
    place = np.minimum(np.searchsorted(series.epochs_s, instants_s), len(series.epochs_s) - 1)
    return np.asarray(np.where(series.epochs_s[place] == instants_s, series.values[place], np.nan))


def _hindcast(series: Series, told: Sequence[_Told], beyond: int) -> PriceHindcast:
    rows = []
    for number, one in enumerate(told[REVIEW_DAYS:], start=REVIEW_DAYS):
        past = _past(told[:number], beyond, one.published_s)
        part, asked = one.part(beyond), corrected_levels(FINE_LEVELS, past)
        target_s = one.published_s + HOURS_S[part]
        last_week = _at(series, target_s - WEEK_S)
        known = np.isfinite(one.actual[part]) & np.isfinite(last_week)
        quantiles = at_levels(one.levels, one.quantiles[part], asked)
        rows.append((target_s[known], quantiles[known], last_week[known], one.actual[part][known]))
    target_s, quantiles, last_week, actual = (np.concatenate(column) for column in zip(*rows, strict=True))
    return PriceHindcast(target_s, quantiles, last_week, actual)


def _past(told: Sequence[_Told], beyond: int, now_s: int) -> Past:
    """What the last REVIEW_DAYS of which everything was published by `now_s` [s] say of a day beyond."""
    over = [one for one in told if one.published_s + (beyond + 1) * DAY_S <= now_s][-REVIEW_DAYS:]
    days = [_positions(one, one.part(beyond)) for one in over]
    return Past(*_pooled(days), spread=_spread(days, beyond))


def _pooled(days: Sequence[Floats]) -> tuple[Floats, Floats]:
    past = pool(np.concatenate([NO_POSITIONS, *days]), NO_POSITIONS)
    return past.positions, past.weights


def _positions(one: _Told, part: slice) -> Floats:
    known = np.isfinite(one.actual[part])
    return positions(one.levels, one.quantiles[part][known], one.actual[part][known])


def _spread(days: Sequence[Floats], beyond: int) -> Spread:
    """Replayed day by day; a day met the band of what was over when it was told."""
    paced = Paced()
    for number in range(beyond + 1, len(days)):
        if len(days[number]):
            levels = reached_levels(Past(*_pooled(days[: number - beyond])), days[number])
            paced = paced.met(levels, levels)
    return paced.spread
