from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cpms.app.prices_told import price_points, prices_that_came
from cpms.domain.tariff import DayAhead, PriceInterval, Tariff
from cpms.domain.time import Interval
from forecasting.learning.scoring import MIN_COUNT, by_time, score_points
from forecasting.prices.day_ahead import forecast_price

NOW = datetime(2026, 6, 15, 7, tzinfo=UTC)
HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
TARIFF = Tariff("t", "EUR", "Europe/Berlin", day_ahead=DayAhead("10Y1001A1001A82H", Decimal(2)))
"""Twice what the market asks."""


def market(until, days=20):
    begins = [until - HOUR * n for n in range(24 * days, 0, -1)]
    return [PriceInterval(Interval(at, at + HOUR), *[Decimal(at.hour) / 100] * 2) for at in begins]


def told(published, now=NOW):
    steps = [Interval(now + QUARTER * n, now + QUARTER * (n + 1)) for n in range(192)]
    known = [TARIFF.day_ahead.price(one) for one in published]
    return forecast_price("office", TARIFF.timezone, known, steps, now, (0.1, 0.5, 0.9))


def test_what_came_is_what_the_site_pays():
    came = prices_that_came(TARIFF, market(NOW))
    assert came[NOW - HOUR] == came[NOW - QUARTER] == pytest.approx(0.12)
    assert NOW not in came
    assert prices_that_came(None, market(NOW)) == {}
    assert prices_that_came(TARIFF, []) == {}


def test_only_what_is_not_published_yet_is_kept_beside_last_weeks_price():
    published = market(NOW + 17 * HOUR)
    points = price_points(told(published), prices_that_came(TARIFF, published), (1, 4, 96, 188))
    assert [point.horizon_s / 3600 for point in points] == [24, 47]
    assert points[0].floor_values == (pytest.approx(0.14),) * 3


def test_statements_are_scored_once_their_time_is_published():
    points = []
    for back in range(MIN_COUNT + 5, 0, -1):
        now = NOW - timedelta(days=back)
        published = market(now + 17 * HOUR)
        points += price_points(told(published, now), prices_that_came(TARIFF, published), (96,))
    came = by_time(prices_that_came(TARIFF, market(NOW, 60)))
    [score] = score_points(points, came, NOW)
    assert score.count >= MIN_COUNT
    assert score.rmse < 0.01
