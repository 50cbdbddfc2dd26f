from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.tariff import PriceInterval
from cpms.domain.time import Interval
from forecasting.prices.day_ahead import forecast_price, read_day_ahead

ZONE = "Europe/Amsterdam"
RECORDED = Path(__file__).parents[3].parent / "shared/data/prices/nl_day_ahead_2015_2024.parquet"
HOUR = timedelta(hours=1)


def table(*rows):
    return "\n".join(['"MTU (CET/CEST)","Day-ahead Price [EUR/MWh]","Currency"', *rows])


def row(start, end, price):
    return f'"{start} - {end}","{price}","EUR"'


def test_the_platform_s_table_is_read_per_kwh_and_in_utc():
    (price,) = read_day_ahead(table(row("01.07.2024 00:00", "01.07.2024 01:00", "81.30")))
    assert price.interval == Interval(datetime(2024, 6, 30, 22, tzinfo=UTC), datetime(2024, 6, 30, 23, tzinfo=UTC))
    assert price.import_price_per_kwh == Decimal("0.0813")


def test_the_hour_repeated_at_the_end_of_summer_time_is_two_hours():
    rows = [row(f"27.10.2024 0{h}:00", f"27.10.2024 0{h + 1}:00", h) for h in (1, 2, 2, 3)]
    starts = [price.interval.starts_at for price in read_day_ahead(table(*rows))]
    assert [later - earlier for earlier, later in pairwise(starts)] == [HOUR] * 3


def test_hours_not_yet_published_are_left_out_and_rubbish_is_named():
    assert read_day_ahead(table(row("01.07.2024 00:00", "01.07.2024 01:00", "-"))) == []
    with pytest.raises(InvalidInput, match="line 2"):
        read_day_ahead(table(row("01.07.2024 00:00", "01.07.2024 01:00", "cheap")))
    with pytest.raises(InvalidInput, match="header"):
        read_day_ahead("time,price\n1,2")


def daily(days, until):
    """A price that is cheap at noon, published hour by hour until `until`."""
    hours = [until - HOUR * k for k in range(days * 24, 0, -1)]
    return [
        PriceInterval(Interval(t, t + HOUR), Decimal("0.05") if 10 <= t.hour < 14 else Decimal("0.25")) for t in hours
    ]


def test_published_prices_are_certain_and_later_ones_have_a_band():
    midnight = datetime(2026, 6, 16, tzinfo=UTC)
    now = midnight - timedelta(hours=10)
    steps = [Interval(now + HOUR * k, now + HOUR * (k + 1)) for k in range(48)]
    forecast = forecast_price("site", ZONE, daily(30, midnight), steps, now)
    assert set(forecast.values[0]) == {0.25}
    assert forecast.at(datetime(2026, 6, 17, 12, tzinfo=UTC)) == pytest.approx(0.05, abs=0.03)
    assert forecast.at(datetime(2026, 6, 17, 3, tzinfo=UTC)) == pytest.approx(0.25, abs=0.03)
    assert "published until 2026-06-16" in forecast.method


def test_no_prices_at_all_are_refused():
    now = datetime(2026, 6, 16, tzinfo=UTC)
    with pytest.raises(InvalidInput, match="published"):
        forecast_price("site", ZONE, [], [Interval(now, now + HOUR)], now)


@pytest.mark.skipif(not RECORDED.exists(), reason="needs the recorded day-ahead prices beside the repository")
def test_on_recorded_prices_the_band_holds_most_and_the_median_beats_last_week():
    import pandas as pd

    frame = pd.read_parquet(RECORDED)
    frame = frame[(frame["utc"] >= "2024-03-01") & (frame["utc"] < "2024-07-01")]
    prices = [
        PriceInterval(Interval(t.to_pydatetime(), (t + pd.Timedelta(hours=1)).to_pydatetime()), Decimal(str(p)) / 1000)
        for t, p in zip(frame["utc"], frame["eur_mwh"], strict=True)
    ]
    by_start = {p.interval.starts_at: float(p.import_price_per_kwh) for p in prices}
    inside, ours, last_week = [], 0.0, 0.0
    for day in range(60, 118, 2):
        known = prices[: day * 24]
        now = known[-1].interval.ends_at
        steps = [p.interval for p in prices[day * 24 : day * 24 + 24]]
        for step, (low, middle, high) in zip(steps, forecast_price("s", ZONE, known, steps, now).values, strict=True):
            actual = by_start[step.starts_at]
            inside.append(low <= actual <= high)
            ours += abs(middle - actual)
            last_week += abs(by_start[step.starts_at - timedelta(days=7)] - actual)
    assert 0.6 < sum(inside) / len(inside) < 0.95
    assert ours < last_week
