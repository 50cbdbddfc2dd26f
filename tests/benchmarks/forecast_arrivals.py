"""Vehicles still to come, several times a day: their energy told from what was known then, against last week's same day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cpms.domain.session import Session
from forecasting.arrivals.to_come import arrivals_to_come
from forecasting.arrivals.visits import Visit
from forecasting.calendar import Calendar

ISSUE_HOURS = (0, 6, 9, 12, 15)
LEVELS = (0.1, 0.5, 0.9)
MAX_KW = 6.6
DAY = timedelta(days=1)


def arrival_figures(sessions: Sequence[Session], zone: ZoneInfo, split_s: int, calendar: Calendar) -> dict[str, object]:
    """MAE [kWh] and coverage per local hour of issue, over the whole local days after `split_s` [s]."""
    visits = [Visit(s.started_at, s.ended_at, s.energy_kwh, MAX_KW) for s in sessions if s.ended_at is not None]
    first = datetime.fromtimestamp(split_s, zone).date() + DAY
    last = max(visit.arrives_at for visit in visits).astimezone(zone).date()
    days = [first + n * DAY for n in range((last - first).days)]
    rows = {hour: [_row(visits, day, hour, zone, calendar) for day in days] for hour in ISSUE_HOURS}
    return {
        "days": len(days),
        "all_hours": _figures(np.array([row for told in rows.values() for row in told])),
        "issued_at_hour": {str(hour): _figures(np.array(told)) for hour, told in rows.items()},
    }


def _row(
    visits: list[Visit], day: date, hour: int, zone: ZoneInfo, calendar: Calendar
) -> tuple[float, float, float, float, float]:
    """What came [kWh], what came a week before, and the forecast's quantiles."""
    now = datetime(day.year, day.month, day.day, hour, tzinfo=zone)
    there = [visit.arrives_at for visit in visits if visit.arrives_at <= now < visit.departs_at]
    told = arrivals_to_come(visits, there, now, zone.key, LEVELS, calendar)
    low_kwh, middle_kwh, high_kwh = told.energy_kwh
    return _came_kwh(visits, now), _came_kwh(visits, now - 7 * DAY), low_kwh, middle_kwh, high_kwh


def _came_kwh(visits: list[Visit], begins_at: datetime) -> float:
    """Energy of the visits that begin from `begins_at` to the end of its local day."""
    ends_at = begins_at.replace(hour=0) + DAY
    return sum(visit.energy_kwh for visit in visits if begins_at <= visit.arrives_at < ends_at)


def _figures(rows: np.ndarray) -> dict[str, float]:
    came, last_week, low, middle, high = rows.T
    return {
        "mae_kwh": round(float(np.abs(middle - came).mean()), 2),
        "last_week_mae_kwh": round(float(np.abs(last_week - came).mean()), 2),
        "coverage_80": round(float(((came >= low) & (came <= high)).mean()), 3),
    }
