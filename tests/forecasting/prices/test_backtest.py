from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.tariff import PriceInterval
from cpms.domain.time import Interval
from forecasting.prices.backtest import backtest_prices, hindcast_prices, review_prices
from forecasting.prices.day_ahead import forecast_price, price_series
from forecasting.score import FINE_LEVELS, coverage
from forecasting.series import zone_of

ZONE = "Europe/Amsterdam"
MIDNIGHT = datetime(2026, 6, 1, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)


def market(days, seed=1, wild_last=0):
    """Hours until MIDNIGHT: dear in the evening, days that differ; ten times as much in the last days."""
    rng = np.random.default_rng(seed)
    prices = []
    for back in range(days, 0, -1):
        level = 0.1 + float(rng.normal(0, 0.01)) * (10 if back <= wild_last else 1)
        for hour in range(24):
            begin = MIDNIGHT - timedelta(days=back) + hour * HOUR
            price = Decimal(str(round(level + 0.05 * (17 <= hour <= 21) + float(rng.normal(0, 0.002)), 5)))
            prices.append(PriceInterval(Interval(begin, begin + HOUR), price, price))
    return prices


def tomorrow(published, past=None):
    hours = [Interval(MIDNIGHT + n * HOUR, MIDNIGHT + (n + 1) * HOUR) for n in range(48)]
    return forecast_price("site", ZONE, published, hours, MIDNIGHT, past=past)


def width(forecast):
    return float(np.mean(np.subtract(forecast.quantile(0.9), forecast.quantile(0.1))))


def test_bands_beyond_the_published_day_hold_what_they_promise():
    series = price_series(market(160), 10**9)
    midnights = [int((MIDNIGHT - timedelta(days=back)).timestamp()) for back in range(100, 2, -1)]
    for made in hindcast_prices(series, zone_of(ZONE), midnights):
        assert coverage(FINE_LEVELS, made.quantiles, made.actual) == pytest.approx(0.8, abs=0.06)
        assert np.abs(made.quantiles[:, 49] - made.actual).mean() < np.abs(made.last_week - made.actual).mean()


def test_a_market_gone_wild_widens_the_bands_within_days():
    published = market(100, wild_last=6)
    past = review_prices(published, ZONE)
    assert width(tomorrow(published, past)) > 1.3 * width(tomorrow(published))


def test_published_prices_have_no_band_whatever_the_past():
    published = market(100)
    past = review_prices(published, ZONE)
    begin = MIDNIGHT - timedelta(hours=2)
    (row,) = forecast_price("site", ZONE, published, [Interval(begin, begin + HOUR)], begin, past=past).values
    assert row[0] == row[-1]


def test_a_review_knows_no_more_than_was_published():
    published = market(100)
    earlier = [one for one in published if one.interval.ends_at <= MIDNIGHT - timedelta(days=5)]
    assert len(review_prices(earlier, ZONE)[0].positions) == len(review_prices(published, ZONE)[0].positions)
    assert review_prices(published[-24 * 20 :], ZONE) is None
    assert review_prices([], ZONE) is None


def test_a_backtest_says_how_the_two_days_beyond_came_out():
    tested = backtest_prices(ZONE, market(120), MIDNIGHT - timedelta(days=40))
    assert [one.horizon_h for one in tested] == [24.0, 48.0]
    assert all(one.score.skill > 0.0 and one.score.count > 800 for one in tested)
    for since in (MIDNIGHT - timedelta(days=119), MIDNIGHT):
        with pytest.raises(InvalidInput, match="from"):
            backtest_prices(ZONE, market(120), since)
