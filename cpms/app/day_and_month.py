"""What is said of the rest of a day (arrivals) and of a month (its peak): which statements are kept to be scored, and what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cpms.domain.forecast import Forecast
from cpms.domain.forecast_record import ForecastPoint
from cpms.domain.session import Session
from cpms.domain.time import floor_time
from data.quarter_energy import QUARTER_S
from forecasting.load.windows import highest_kw

if TYPE_CHECKING:
    from forecasting.arrivals.visits import Visit

ARRIVALS_EVERY = timedelta(hours=3)
PEAK_EVERY, PEAK_HORIZON = timedelta(days=1), timedelta(days=7)
WEEK = timedelta(days=7)
BEFORE = timedelta(days=28)
Measured = Sequence[tuple[datetime, float]]


def arrival_points(forecast: Forecast, visits: Sequence[Visit]) -> tuple[ForecastPoint, ...]:
    """The statement, kept every three hours of the day beside what came on last week's same day, by the hours left."""
    ends_at = forecast.intervals[0].ends_at
    left = ends_at - floor_time(forecast.issued_at, QUARTER_S)
    if left % ARRIVALS_EVERY:
        return ()
    return (_point(forecast, left, _came_kwh(visits, forecast.issued_at - WEEK, ends_at - WEEK)),)


def peak_points(forecast: Forecast, measured: Measured, window_s: int) -> tuple[ForecastPoint, ...]:
    """The statement, kept once a day beside the highest window of the last four weeks, by the weeks left.

    `measured`: means [kW] of quarter hours by their start, oldest first.
    """
    now = forecast.issued_at
    left = forecast.intervals[0].ends_at - floor_time(now, QUARTER_S)
    if left % PEAK_EVERY:
        return ()
    weeks = -(-left // PEAK_HORIZON)
    return (_point(forecast, weeks * PEAK_HORIZON, highest_kw(measured, now - BEFORE, now, window_s)),)


@dataclass(frozen=True)
class Outcome:
    """What is known of days and months that are over: ended visits and open sessions, means [kW] of quarter hours by their start,
    oldest first, and whose months (`zone`) are billed by which windows [s]."""

    visits: Sequence[Visit]
    present: Sequence[Session]
    power: Measured
    zone: ZoneInfo
    window_s: int

    def arrivals_kwh(self, point: ForecastPoint) -> float | None:
        """Energy of the vehicles that came from the issue to the end of its day; None while one of them is still there."""
        if any(point.issued_at <= session.started_at < point.valid_at for session in self.present):
            return None
        return _came_kwh(self.visits, point.issued_at, point.valid_at)

    def peak_kw(self, point: ForecastPoint) -> float | None:
        """The highest window of the month that ended; None where its begin was not measured."""
        begins_at = (point.valid_at.astimezone(self.zone) - timedelta(days=1)).replace(day=1, hour=0, minute=0)
        if not self.power or self.power[0][0] > begins_at:
            return None
        return highest_kw(self.power, begins_at, point.valid_at, self.window_s)


def _point(forecast: Forecast, horizon: timedelta, simple: float) -> ForecastPoint:
    return ForecastPoint(
        site_id=forecast.site_id,
        quantity=forecast.quantity,
        issued_at=forecast.issued_at,
        valid_at=forecast.intervals[0].ends_at,
        horizon_s=int(horizon.total_seconds()),
        levels=forecast.levels,
        values=forecast.values[0],
        floor_values=(simple,) * len(forecast.levels),
    )


def _came_kwh(visits: Sequence[Visit], from_at: datetime, until_at: datetime) -> float:
    return sum(visit.energy_kwh for visit in visits if from_at <= visit.arrives_at < until_at)
