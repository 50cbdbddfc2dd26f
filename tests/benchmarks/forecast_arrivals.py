"""Vehicles still to come, several times a day: their energy told from what was known then, against last week's same day."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cpms.domain.session import Session
from forecasting.arrivals.to_come import arrivals_to_come
from forecasting.arrivals.visits import Visit
from forecasting.calendar import Calendar
from forecasting.score import FINE_LEVELS, inside
from tests.benchmarks.bands import standard_error
from tests.benchmarks.recorded_sessions import add_file_arguments, read_recorded

ISSUE_HOURS = (0, 6, 9, 12, 15)
MIN_MONTH_ROWS = 60
MAX_KW = 6.6
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Told:
    """One issue: its instant, what came [kWh], what came a week before, and the forecast at FINE_LEVELS."""

    issued_at: datetime
    came_kwh: float
    last_week_kwh: float
    energy_kwh: tuple[float, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_file_arguments(parser)


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """MAE and bands by hour of issue and month."""
    recorded = read_recorded(arguments)
    return {
        "quantity": "arrivals",
        "train_until": datetime.fromtimestamp(recorded.split_s, recorded.zone).isoformat(),
        **arrival_figures(recorded.sessions, recorded.zone, recorded.split_s, recorded.calendar),
    }


def arrival_figures(sessions: Sequence[Session], zone: ZoneInfo, split_s: int, calendar: Calendar) -> dict[str, object]:
    """MAE [kWh] and coverage per local hour of issue and per month, over the whole local days after `split_s` [s]."""
    visits = [Visit(s.started_at, s.ended_at, s.energy_kwh, MAX_KW) for s in sessions if s.ended_at is not None]
    first = datetime.fromtimestamp(split_s, zone).date() + DAY
    last = max(visit.arrives_at for visit in visits).astimezone(zone).date()
    days = [first + n * DAY for n in range((last - first).days)]
    told = {hour: [_told(visits, day, hour, zone, calendar) for day in days] for hour in ISSUE_HOURS}
    everything = [one for issues in told.values() for one in issues]
    months: dict[str, list[Told]] = {}
    for one in everything:
        months.setdefault(f"{one.issued_at:%Y-%m}", []).append(one)
    return {
        "days": len(days),
        "all_hours": _figures(everything),
        "issued_at_hour": {str(hour): _figures(issues) for hour, issues in told.items()},
        "months": {month: _figures(issues) for month, issues in months.items() if len(issues) >= MIN_MONTH_ROWS},
    }


def _told(visits: list[Visit], day: date, hour: int, zone: ZoneInfo, calendar: Calendar) -> Told:
    now = datetime(day.year, day.month, day.day, hour, tzinfo=zone)
    there = [visit.arrives_at for visit in visits if visit.arrives_at <= now < visit.departs_at]
    told = arrivals_to_come(visits, there, now, zone.key, tuple(FINE_LEVELS.tolist()), calendar)
    return Told(now, _came_kwh(visits, now), _came_kwh(visits, now - 7 * DAY), told.energy_kwh)


def _came_kwh(visits: list[Visit], begins_at: datetime) -> float:
    """Energy of the visits that begin from `begins_at` to the end of its local day."""
    ends_at = begins_at.replace(hour=0) + DAY
    return sum(visit.energy_kwh for visit in visits if begins_at <= visit.arrives_at < ends_at)


def _figures(issues: Sequence[Told]) -> dict[str, float]:
    came, last_week = np.array([(one.came_kwh, one.last_week_kwh) for one in issues]).T
    energy_kwh = np.array([one.energy_kwh for one in issues])
    held = inside(FINE_LEVELS, energy_kwh, came)
    issued_s = np.array([int(one.issued_at.timestamp()) for one in issues])
    middle = energy_kwh[:, len(FINE_LEVELS) // 2]
    return {
        "mae_kwh": round(float(np.abs(middle - came).mean()), 2),
        "last_week_mae_kwh": round(float(np.abs(last_week - came).mean()), 2),
        "coverage_80": round(float(held.mean()), 3),
        "coverage_80_standard_error": standard_error(held, issued_s, str(issues[0].issued_at.tzinfo)),
    }
