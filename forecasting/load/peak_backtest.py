"""What would have been said of each month's peak, midnight by midnight, and how it came out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cpms.domain.errors import InvalidInput
from forecasting.calendar import PLAIN, Calendar
from forecasting.load.month_peak import WINDOW_S, month_peak
from forecasting.load.windows import highest_kw
from forecasting.score import FINE_LEVELS, rmse, score
from forecasting.series import Measurement, zone_of
from forecasting.site_backtest import Tested

QUARTER_S = 900
PEAK_SEEN = timedelta(seconds=WINDOW_S)
BEFORE = timedelta(days=28)
FIRST_OF_MONTH = (1,)


@dataclass(frozen=True)
class PeakTold:
    """A statement about a billing month's peak at FINE_LEVELS [kW], `days_left` [d] before its end, the highest window of the four
    weeks before it, and what came."""

    issued_at: datetime
    days_left: int
    peak_kw: tuple[float, ...]
    simple_kw: float
    came_kw: float


def backtest_peak(
    timezone: str, power: Sequence[Measurement], since: datetime, window_s: int = QUARTER_S, calendar: Calendar = PLAIN
) -> list[Tested]:
    """`hindcast_peak` of calendar months, scored by the weeks left."""
    rows: dict[int, list[PeakTold]] = {}
    for told in hindcast_peak(timezone, power, since, window_s, calendar):
        rows.setdefault(-(-told.days_left // 7), []).append(told)
    largest = max(one.came_kw for told in rows.values() for one in told)
    return [_scored(24.0 * 7 * weeks, told, largest) for weeks, told in sorted(rows.items())]


def hindcast_peak(
    timezone: str,
    power: Sequence[Measurement],
    since: datetime,
    window_s: int = QUARTER_S,
    calendar: Calendar = PLAIN,
    billing_days: Sequence[int] = FIRST_OF_MONTH,
) -> list[PeakTold]:
    """The highest window [kW] of every whole local month that begins from `since` on, told at its midnights from what was measured
    before (`power`: means of quarter hours by their start, oldest first). `billing_days`: days of the month, to the 28th, on which a
    month may begin, each told by itself.

    InvalidInput where no whole month lies after `since`, or nothing before.
    """
    zone = zone_of(timezone)
    months = [month for day in billing_days for month in _whole_months(power, since, zone, day)]
    if not months or power[0][0] >= min(months)[0]:
        raise InvalidInput("from", "leaves no whole month after it, or nothing before", "give an earlier instant")
    told = []
    for begins_at, ends_at in months:
        came_kw = highest_kw(_between(power, begins_at, ends_at), begins_at, ends_at, window_s)
        for day in range((ends_at - begins_at).days):
            now = begins_at + timedelta(days=day)
            known = _between(power, now - PEAK_SEEN, now)
            so_far_kw, simple_kw = (highest_kw(known, at, now, window_s) for at in (begins_at, now - BEFORE))
            view = month_peak(known, timezone, now, ends_at, so_far_kw, FINE_LEVELS.tolist(), window_s, calendar)
            told.append(PeakTold(now, (ends_at - begins_at).days - day, view.peak_kw, simple_kw, came_kw))
    return told


def _between(power: Sequence[Measurement], from_at: datetime, until_at: datetime) -> Sequence[Measurement]:
    first, last = (bisect_left(power, at, key=_instant) for at in (from_at, until_at))
    return power[first:last]


def _instant(measured: Measurement) -> datetime:
    return measured[0]


def _whole_months(
    power: Sequence[Measurement], since: datetime, zone: ZoneInfo, day: int
) -> list[tuple[datetime, datetime]]:
    months, begins_at = [], datetime(since.astimezone(zone).year, since.astimezone(zone).month, day, tzinfo=zone)
    while power and begins_at < power[-1][0]:
        ends_at = (begins_at.replace(day=1) + timedelta(days=32)).replace(day=day)
        if begins_at >= since and ends_at <= power[-1][0] + timedelta(seconds=QUARTER_S):
            months.append((begins_at, ends_at))
        begins_at = ends_at
    return months


def _scored(horizon_h: float, told: Sequence[PeakTold], largest_kw: float) -> Tested:
    came_kw = np.array([one.came_kw for one in told])
    baseline = rmse(np.array([one.simple_kw for one in told]), came_kw)
    scored = score(FINE_LEVELS, np.array([one.peak_kw for one in told]), came_kw, largest_kw, baseline)
    return Tested("peak", horizon_h, largest_kw, "kW", "highest of four weeks", scored)
