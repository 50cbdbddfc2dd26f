"""What would have been said of each month's peak, midnight by midnight, and how it came out."""

from __future__ import annotations

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


@dataclass(frozen=True)
class _Told:
    """A statement about a month's peak at FINE_LEVELS [kW], the highest window of the four weeks before it, and what came."""

    peak_kw: tuple[float, ...]
    simple_kw: float
    came_kw: float


def backtest_peak(
    timezone: str, power: Sequence[Measurement], since: datetime, window_s: int = QUARTER_S, calendar: Calendar = PLAIN
) -> list[Tested]:
    """The highest window [kW] of every whole local month that begins from `since` on, told at its midnights from what was measured
    before, by the weeks left. InvalidInput where no whole month lies after `since`, or nothing before."""
    zone = zone_of(timezone)
    months = _whole_months(power, since, zone)
    if not months or power[0][0] >= months[0][0]:
        raise InvalidInput("from", "leaves no whole month after it, or nothing before", "give an earlier instant")
    rows: dict[int, list[_Told]] = {}
    for begins_at, ends_at in months:
        for day in range((ends_at - begins_at).days):
            told = _peak(power, timezone, begins_at, begins_at + timedelta(days=day), ends_at, window_s, calendar)
            rows.setdefault(-(-((ends_at - begins_at).days - day) // 7), []).append(told)
    largest = max(one.came_kw for told in rows.values() for one in told)
    return [_peaks(24.0 * 7 * weeks, told, largest) for weeks, told in sorted(rows.items())]


def _whole_months(power: Sequence[Measurement], since: datetime, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    months, begins_at = [], datetime(since.astimezone(zone).year, since.astimezone(zone).month, 1, tzinfo=zone)
    while power and begins_at < power[-1][0]:
        ends_at = (begins_at + timedelta(days=32)).replace(day=1)
        if begins_at >= since and ends_at <= power[-1][0] + timedelta(seconds=QUARTER_S):
            months.append((begins_at, ends_at))
        begins_at = ends_at
    return months


def _peak(
    power: Sequence[Measurement], timezone: str, begins_at: datetime, now: datetime, ends_at: datetime, window_s: int,
    calendar: Calendar,
) -> _Told:  # fmt: skip
    known = [entry for entry in power if now - PEAK_SEEN <= entry[0] < now]
    so_far_kw = highest_kw(known, begins_at, now, window_s)
    told = month_peak(known, timezone, now, ends_at, so_far_kw, FINE_LEVELS.tolist(), window_s, calendar)
    simple_kw = highest_kw(known, now - BEFORE, now, window_s)
    return _Told(told.peak_kw, simple_kw, highest_kw(power, begins_at, ends_at, window_s))


def _peaks(horizon_h: float, told: Sequence[_Told], largest_kw: float) -> Tested:
    came_kw = np.array([one.came_kw for one in told])
    baseline = rmse(np.array([one.simple_kw for one in told]), came_kw)
    scored = score(FINE_LEVELS, np.array([one.peak_kw for one in told]), came_kw, largest_kw, baseline)
    return Tested("peak", horizon_h, largest_kw, "kW", "highest of four weeks", scored)
