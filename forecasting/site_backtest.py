"""What a site's forecasts would have said, from what is stored, and how that would have come out.

Every forecast is made from what was known at its issue alone: models are trained anew along the way on what lay before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cpms.domain.errors import InvalidInput
from cpms.domain.session import Session
from cpms.domain.site import SolarArray
from forecasting.arrivals.to_come import arrivals_to_come
from forecasting.arrivals.visits import Visit
from forecasting.calendar import PLAIN, Calendar
from forecasting.load.backtest import hindcast_load
from forecasting.score import FINE_LEVELS, Score, rmse, score
from forecasting.series import HOUR_S, Floats, Measurement, Series, resample, zone_of
from forecasting.sessions.backtest import hindcast_sessions
from forecasting.sessions.features import stays_of
from forecasting.solar.array_fit import fit_array
from forecasting.solar.backtest import hindcast_solar, terms
from forecasting.solar.features import QUARTER_S, SolarTable, lay_grid
from forecasting.solar.sensors import find_bad, leave_out

EVERYTHING_S = 10 * 366 * 86400
HALF_HOUR_S = 1800
SOLAR_LEADS_S = (1800, 3600, 4 * 3600, 24 * 3600, 48 * 3600)
LOAD_LEADS_S = (900, 3600, 4 * 3600, 24 * 3600, 47 * 3600)
LOAD_EVERY_S = 3 * 3600
REFIT_DAYS = 91
ISSUE_HOURS = (0, 6, 9, 12, 15)
"""Local hours at which it is asked who will still come today."""


@dataclass(frozen=True)
class Tested:
    """Scores of one quantity and horizon [h], as shares of `capacity` [`unit`]; skill over `baseline`."""

    quantity: str
    horizon_h: float
    capacity: float
    unit: str
    baseline: str
    score: Score


def backtest_solar(array: SolarArray, measured: Sequence[Measurement], now: datetime, since: datetime) -> list[Tested]:
    """Solar forecasts issued every half hour from `since` on. InvalidInput where too little lies before."""
    series = resample(measured, now, QUARTER_S, EVERYTHING_S)
    series = leave_out(series, find_bad(array, series))
    _require(series, since)
    fitted = fit_array(array, _before(series, since))
    table = SolarTable(lay_grid(fitted, series, int(series.epochs_s[0]), int(series.epochs_s[-1]) + QUARTER_S))
    served = terms(table, table.grid.position(since.timestamp()), REFIT_DAYS)
    tested = []
    for lead_s in SOLAR_LEADS_S:
        made = hindcast_solar(table, served, lead_s // HALF_HOUR_S - 1, array.peak_kw)
        if len(made.issues):
            tested.append(
                Tested("solar", lead_s / HOUR_S, array.peak_kw, "kW", "smart persistence", made.score(array.peak_kw))
            )
    return tested


def backtest_load(
    timezone: str, measured: Sequence[Measurement], now: datetime, since: datetime, calendar: Calendar = PLAIN
) -> list[Tested]:
    """Load forecasts issued every three hours from `since` on, with the site's holidays (`calendar`). InvalidInput where too
    little lies before."""
    series = resample(measured, now, QUARTER_S, EVERYTHING_S)
    _require(series, since)
    largest_kw = float(_before(series, since).values.max())
    from_s = int(since.timestamp()) // QUARTER_S * QUARTER_S
    made = hindcast_load(series, zone_of(timezone), from_s, LOAD_LEADS_S, LOAD_EVERY_S, 2 * largest_kw, calendar)
    tested = []
    for lead_s, one in made.items():
        if len(one.actual_kw):
            baseline = rmse(one.last_week_kw, one.actual_kw)
            scored = score(FINE_LEVELS, one.quantiles_kw, one.actual_kw, largest_kw, baseline)
            tested.append(Tested("load", lead_s / HOUR_S, largest_kw, "kW", "same time last week", scored))
    return tested


def backtest_sessions(timezone: str, sessions: Sequence[Session], since: datetime) -> list[Tested]:
    """Stay [h] and energy [kWh] of every session from `since` on, as they were expected at plug-in."""
    stays = stays_of([s for s in sessions if s.ended_at is not None], zone_of(timezone))
    if not (len(stays) and stays.started_s[0] < since.timestamp() < stays.started_s[-1]):
        raise InvalidInput("from", "has no sessions on both sides of it", "give an instant between stored sessions")
    tested = []
    for name, made in hindcast_sessions(stays, int(since.timestamp())).items():
        largest, unit = float(np.quantile(made.actual, 0.95)), "h" if name == "stay_h" else "kWh"
        baseline = rmse(_means(made.rolling_quantiles), made.actual)
        scored = score(FINE_LEVELS, made.quantiles, made.actual, largest, baseline)
        tested.append(Tested(name, 0.0, largest, unit, "rolling median", scored))
    return tested


def backtest_arrivals(timezone: str, visits: Sequence[Visit], since: datetime) -> list[Tested]:
    """Energy [kWh] of the vehicles still to come on every whole local day from `since` on, told at ISSUE_HOURS of it."""
    zone = zone_of(timezone)
    if not (visits and visits[0].arrives_at < since < visits[-1].arrives_at):
        raise InvalidInput("from", "has no visits on both sides of it", "give an instant between stored sessions")
    first, last = (at.astimezone(zone).date() for at in (since, visits[-1].arrives_at))
    days = [first + timedelta(days=n) for n in range(1, (last - first).days)]
    tested = []
    for hour in ISSUE_HOURS:
        issues = [datetime(day.year, day.month, day.day, hour, tzinfo=zone) for day in days]
        if issues:
            tested.append(_to_come(visits, issues, timezone, 24.0 - hour))
    return tested


def _to_come(visits: Sequence[Visit], issues: Sequence[datetime], timezone: str, hours_left: float) -> Tested:
    came = np.array([_came_kwh(visits, at) for at in issues])
    last_week = np.array([_came_kwh(visits, at - timedelta(days=7)) for at in issues])
    told = [
        arrivals_to_come(visits, _there(visits, at), at, timezone, tuple(FINE_LEVELS.tolist())).energy_kwh
        for at in issues
    ]
    largest = max(float(came.max()), 1.0)
    scored = score(FINE_LEVELS, np.array(told), came, largest, rmse(last_week, came))
    return Tested("arrivals", hours_left, largest, "kWh", "same day last week", scored)


def _there(visits: Sequence[Visit], now: datetime) -> list[datetime]:
    return [visit.arrives_at for visit in visits if visit.arrives_at <= now < visit.departs_at]


def _came_kwh(visits: Sequence[Visit], begins_at: datetime) -> float:
    """Energy of the visits that begin from `begins_at` to the end of its local day."""
    ends_at = begins_at.replace(hour=0) + timedelta(days=1)
    return sum(visit.energy_kwh for visit in visits if begins_at <= visit.arrives_at < ends_at)


def default_since(starts_at: datetime, ends_at: datetime) -> datetime:
    """Where a test begins by default: after two thirds of what is stored."""
    return starts_at + timedelta(seconds=round((ends_at - starts_at).total_seconds() * 2 / 3))


def _means(quantiles: Floats) -> Floats:
    return np.asarray(quantiles.mean(axis=1))


def _before(series: Series, until: datetime) -> Series:
    known = series.epochs_s < until.timestamp()
    return Series(series.epochs_s[known], series.values[known], series.step_s)


def _require(series: Series, since: datetime) -> None:
    if not (len(series) and series.epochs_s[0] < since.timestamp() < series.epochs_s[-1]):
        raise InvalidInput("from", "has no measurements on both sides of it", "give an instant between stored ones")
