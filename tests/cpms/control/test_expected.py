from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cpms.control.expected import co2_g_per_kwh, energy_prices, likely_days, under_the_sun
from cpms.control.peaks import PeakTracker, demand_prices
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.identity import ConnectorKey
from cpms.domain.peak_price import PeakPrice
from cpms.domain.plan import LikelyDay
from cpms.domain.session import Session
from cpms.domain.tariff import BillingPeriod, DayAhead, DemandCharge, PriceInterval, Tariff, TimeOfUseBand
from cpms.domain.time import Interval

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)
STEPS = tuple(Interval(NOW + timedelta(hours=h), NOW + timedelta(hours=h + 1)) for h in range(4))
SHARES = (PeakPrice(0.0, 0.0), PeakPrice(20.0, 0.4), PeakPrice(30.0, 1.0))


def forecast(quantity: ForecastQuantity, values: Sequence[float]) -> Forecast:
    return Forecast("x", quantity, NOW, STEPS[: len(values)], (0.5,), tuple((value,) for value in values))


@dataclass(frozen=True)
class Told:
    """Says how many it was told have come."""

    issued_at: datetime = NOW
    arrived: int = 3
    peak_prices: tuple[PeakPrice, ...] = SHARES

    def likely(self, steps: Sequence[Interval], arrived: int) -> tuple[LikelyDay, ...]:
        return (LikelyDay(1.0 / arrived),)


def test_prices_are_published_then_forecast_then_the_tariffs_own() -> None:
    published = (PriceInterval(STEPS[0], Decimal("0.11"), Decimal("0.05")),)
    told = {
        ForecastQuantity.IMPORT_PRICE_PER_KWH: forecast(ForecastQuantity.IMPORT_PRICE_PER_KWH, [0.9, 0.2, 0.3]),
    }
    follows = Tariff("t", "EUR", "UTC", Decimal("0.4"), intervals=published, day_ahead=DayAhead("10YNL----------L"))
    assert energy_prices(follows, told, STEPS) == ((0.11, 0.2, 0.3, 0.4), (0.05, 0.0, 0.0, 0.0))
    fixed = Tariff("t", "EUR", "UTC", Decimal("0.4"))
    assert energy_prices(fixed, told, STEPS)[0] == (0.4,) * 4


def test_co2_goes_on_as_last_told_and_is_left_out_when_nothing_is_told_any_more() -> None:
    told = {ForecastQuantity.CO2_G_PER_KWH: forecast(ForecastQuantity.CO2_G_PER_KWH, [100.0, 300.0])}
    assert co2_g_per_kwh(told, STEPS) == (100.0, 300.0, 300.0, 300.0)
    assert co2_g_per_kwh(told, STEPS[2:]) == ()
    assert co2_g_per_kwh({}, STEPS) == ()


def test_who_came_since_the_outlook_counts() -> None:
    sessions = [
        Session(f"s{m}", "x", ConnectorKey("S", 1), f"t{m}", NOW + timedelta(minutes=m)) for m in (-30, 0, 5, 10)
    ]
    assert likely_days(Told(), sessions, STEPS) == (LikelyDay(pytest.approx(1 / 5)),)
    assert likely_days(None, sessions, STEPS) == ()


def sun(*rows: tuple[float, float, float]) -> Forecast:
    return Forecast("x", ForecastQuantity.SOLAR_KW, NOW, STEPS[: len(rows)], (0.1, 0.5, 0.9), rows)


def test_the_sun_that_may_or_may_not_come_makes_three_days_of_the_likeliest() -> None:
    busy, usual = LikelyDay(0.1), LikelyDay(0.9)
    days = under_the_sun((busy, usual), sun((1.0, 5.0, 9.0), (0.0, 2.0, 3.0)), STEPS, (7.0,) * 4)
    assert [day.probability for day in days] == pytest.approx([0.27, 0.36, 0.27, 0.1])
    assert [day.solar_kw for day in days[:3]] == [(1.0, 0.0, 7.0, 7.0), (5.0, 2.0, 7.0, 7.0), (9.0, 3.0, 7.0, 7.0)]
    assert days[3] is busy


def test_where_nobody_may_come_the_day_itself_has_three_suns() -> None:
    days = under_the_sun((), sun((1.0, 5.0, 9.0)), STEPS, (0.0,) * 4)
    assert [day.probability for day in days] == [0.3, 0.4, 0.3]


def test_at_night_and_without_a_forecast_there_is_one_sun() -> None:
    days = (LikelyDay(1.0),)
    assert under_the_sun(days, sun((0.0, 0.0, 0.0)), STEPS, (0.0,) * 4) == days
    assert under_the_sun((), None, STEPS, (3.0,) * 4) == ()


def test_a_level_that_another_day_of_the_month_needs_anyway_costs_its_share_of_the_charge() -> None:
    tariff = Tariff("t", "EUR", "UTC", demand_charges=(DemandCharge(Decimal(15)),))
    (price,) = demand_prices(tariff, PeakTracker(), STEPS, NOW, SHARES)
    assert (price.price_per_kw, price.rises) == (0.0, ((20.0, 6.0), (30.0, 15.0)))


def test_charges_by_the_day_by_the_hour_and_of_the_month_after_cost_in_full() -> None:
    daily = DemandCharge(Decimal(1), BillingPeriod.DAY)
    banded = DemandCharge(Decimal(2), band=TimeOfUseBand(Decimal(0)))
    last_day = NOW + timedelta(days=1, hours=11)
    steps = tuple(Interval(last_day + timedelta(hours=h), last_day + timedelta(hours=h + 1)) for h in range(2))
    tariff = Tariff("t", "EUR", "UTC", demand_charges=(daily, banded, DemandCharge(Decimal(15))))
    told = demand_prices(tariff, PeakTracker(), steps, last_day, SHARES)
    assert [(one.price_per_kw, len(one.rises)) for one in told] == [(1, 0), (1, 0), (2, 0), (2, 0), (0, 2), (15, 0)]
