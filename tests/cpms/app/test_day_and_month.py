from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cpms.app.day_and_month import Outcome, arrival_points, peak_points
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import Session, SessionState
from cpms.domain.time import Interval
from forecasting.arrivals.visits import Visit

BERLIN = ZoneInfo("Europe/Berlin")
MIDNIGHT = datetime(2026, 6, 15, 22, tzinfo=UTC)
MONTH_END = datetime(2026, 6, 30, 22, tzinfo=UTC)
MONTH_BEGIN = datetime(2026, 5, 31, 22, tzinfo=UTC)


def told(now: datetime, ends_at: datetime, quantity: ForecastQuantity = ForecastQuantity.ARRIVALS_KWH) -> Forecast:
    return Forecast("office", quantity, now, (Interval(now, ends_at),), (0.1, 0.5, 0.9), ((1.0, 2.0, 3.0),))


def visit(arrives_at: datetime, energy_kwh: float) -> Visit:
    return Visit(arrives_at, arrives_at + timedelta(hours=2), energy_kwh, 11.0)


def test_what_is_said_of_the_rest_of_a_day_is_kept_every_three_hours_beside_last_week() -> None:
    at = MIDNIGHT - timedelta(hours=18)
    last_week = [visit(at - timedelta(days=7) + timedelta(hours=hours), 8.0) for hours in (-1, 1, 5, 20)]
    (point,) = arrival_points(told(at + timedelta(minutes=4), MIDNIGHT), last_week)
    assert (point.horizon_s, point.valid_at) == (18 * 3600, MIDNIGHT)
    assert point.floor_values == (16.0, 16.0, 16.0)
    assert arrival_points(told(at + timedelta(hours=1), MIDNIGHT), last_week) == ()


def test_energy_that_came_counts_from_the_issue_to_midnight_and_not_while_somebody_is_still_there() -> None:
    at = MIDNIGHT - timedelta(hours=18)
    (point,) = arrival_points(told(at, MIDNIGHT), ())
    hours = (-1, 0, 17, 18)
    came = Outcome([visit(at + timedelta(hours=h), 10.0 + h) for h in hours], (), (), BERLIN, 900)
    assert came.arrivals_kwh(point) == pytest.approx(37.0)
    started_at = at + timedelta(hours=3)
    there = Session("1", "office", ConnectorKey("station", 1), "1", started_at, 0.0, SessionState.CHARGING)
    assert replace(came, present=(there,)).arrivals_kwh(point) is None


def test_a_months_peak_is_kept_once_a_day_and_judged_when_the_month_is_over() -> None:
    power = [(MONTH_BEGIN + n * timedelta(minutes=15), 5.0 + (n == 1000) * 20.0) for n in range(30 * 96)]
    issued_at = MONTH_END - timedelta(days=8)
    forecast = told(issued_at, MONTH_END, ForecastQuantity.PEAK_IMPORT_KW)
    (point,) = peak_points(forecast, power[: 15 * 96], 900)
    assert (point.horizon_s, point.floor_values[0]) == (14 * 86400, 25.0)
    assert peak_points(told(issued_at + timedelta(hours=1), MONTH_END), power, 900) == ()
    assert Outcome((), (), power, BERLIN, 900).peak_kw(point) == 25.0
    assert Outcome((), (), power, BERLIN, 1800).peak_kw(point) == 15.0
    assert Outcome((), (), power[96:], BERLIN, 900).peak_kw(point) is None
