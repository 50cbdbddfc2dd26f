from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from cpms.domain.tariff import (
    BillingPeriod,
    CapacitySubscription,
    DayAhead,
    DemandCharge,
    PriceInterval,
    Tariff,
    TimeOfUseBand,
    bill,
)
from cpms.domain.time import Interval

MIDNIGHT = datetime(2024, 6, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NIGHT = TimeOfUseBand(Decimal("0.10"), time(22), time(6))


def test_a_published_price_wins_over_bands_and_bands_over_the_flat_price() -> None:
    published = PriceInterval(Interval(MIDNIGHT, MIDNIGHT + HOUR), Decimal("-0.02"), Decimal("-0.03"))
    tariff = Tariff("t", "EUR", "UTC", Decimal("0.30"), Decimal("0.05"), (NIGHT,), (published,))
    assert tariff.import_price_per_kwh(MIDNIGHT) == Decimal("-0.02")
    assert tariff.import_price_per_kwh(MIDNIGHT + HOUR) == Decimal("0.10")
    assert tariff.import_price_per_kwh(MIDNIGHT + 6 * HOUR) == Decimal("0.30")
    assert tariff.export_price_per_kwh_at(MIDNIGHT) == Decimal("-0.03")
    assert tariff.export_price_per_kwh_at(MIDNIGHT + HOUR) == Decimal("0.05")


def test_what_the_market_publishes_becomes_the_sites_price_where_it_has_none_of_its_own() -> None:
    own, market = (
        [PriceInterval(Interval(MIDNIGHT + n * HOUR, MIDNIGHT + (n + 1) * HOUR), Decimal(price)) for n in hours]
        for price, hours in (("0.50", (0,)), ("-0.02", (0, 1)))
    )
    follows = DayAhead("10YNL----------L", Decimal("1.21"), Decimal("0.10"), Decimal(1), Decimal("-0.005"))
    tariff = Tariff("t", "EUR", "UTC", Decimal("0.30"), intervals=tuple(own), day_ahead=follows)
    priced = tariff.with_published(market)
    assert priced.import_price_per_kwh(MIDNIGHT) == Decimal("0.50")
    assert priced.import_price_per_kwh(MIDNIGHT + HOUR) == Decimal("0.0758")
    assert priced.export_price_per_kwh_at(MIDNIGHT + HOUR) == Decimal("-0.025")
    assert priced.import_price_per_kwh(MIDNIGHT + 2 * HOUR) == Decimal("0.30")
    assert priced.with_published(market) == priced


def test_a_tariff_that_follows_no_market_stays_as_it_is() -> None:
    tariff = Tariff("t", "EUR", "UTC", Decimal("0.30"))
    assert tariff.with_published([PriceInterval(Interval(MIDNIGHT, MIDNIGHT + HOUR), Decimal(1))]) is tariff


def test_bands_are_local_and_follow_daylight_saving() -> None:
    tariff = Tariff("t", "EUR", "Europe/Amsterdam", Decimal("0.30"), bands=(NIGHT,))
    winter, summer = datetime(2024, 1, 10, 4, 30, tzinfo=UTC), datetime(2024, 7, 10, 4, 30, tzinfo=UTC)
    assert tariff.import_price_per_kwh(winter) == Decimal("0.10")
    assert tariff.import_price_per_kwh(summer) == Decimal("0.30")


def test_a_band_keeps_to_its_weekdays_and_months() -> None:
    weekdays = TimeOfUseBand(Decimal(1), time(8), time(20), frozenset(range(5)), frozenset({6}))
    assert weekdays.contains(datetime(2024, 6, 12, 9, tzinfo=UTC))
    assert not weekdays.contains(datetime(2024, 6, 15, 9, tzinfo=UTC))
    assert not weekdays.contains(datetime(2024, 7, 12, 9, tzinfo=UTC))


def test_a_bill_is_exact_and_counts_export_at_its_own_price() -> None:
    tariff = Tariff("t", "EUR", "UTC", Decimal("0.30"), Decimal("0.05"))
    result = bill(tariff, [MIDNIGHT, MIDNIGHT + HOUR], [10.0, -4.0], 3600)
    assert result.energy_cost == Decimal("2.80")
    assert result.total == Decimal("2.80")
    assert result.peak_kw == 10.0


def test_demand_is_charged_on_the_highest_mean_of_a_window_per_period() -> None:
    charge = DemandCharge(Decimal(2), BillingPeriod.DAY, 900)
    tariff = Tariff("t", "EUR", "UTC", demand_charges=(charge,))
    starts = [MIDNIGHT + timedelta(minutes=5 * n) for n in range(6)]
    result = bill(tariff, starts, [30.0, 0.0, 0.0, 9.0, 12.0, 15.0], 300)
    assert result.peak_kw == 12.0
    assert result.demand_cost == Decimal(24)


def test_each_day_pays_its_own_peak_and_a_month_only_one() -> None:
    starts = [MIDNIGHT, MIDNIGHT + 24 * HOUR]
    for period, expected in ((BillingPeriod.DAY, 30), (BillingPeriod.MONTH, 20)):
        tariff = Tariff("t", "EUR", "UTC", demand_charges=(DemandCharge(Decimal(1), period),))
        assert bill(tariff, starts, [10.0, 20.0], 900).demand_cost == expected


def test_demand_outside_its_band_is_free() -> None:
    charge = DemandCharge(Decimal(1), band=TimeOfUseBand(Decimal(0), time(12), time(18)))
    tariff = Tariff("t", "EUR", "UTC", demand_charges=(charge,))
    assert bill(tariff, [MIDNIGHT], [50.0], 900).demand_cost == 0


def test_what_lies_above_a_subscription_costs_its_fee_while_it_holds():
    evening = TimeOfUseBand(Decimal(0), time(1), time(2))
    above = CapacitySubscription(6.0, Decimal("0.5")), CapacitySubscription(4.0, Decimal(1), evening)
    tariff = Tariff("t", "EUR", "UTC", subscriptions=above)
    result = bill(tariff, [MIDNIGHT, MIDNIGHT + HOUR], [10.0, 5.0], 3600)
    assert result.excess_cost == Decimal(2) + Decimal(1)
    assert result.total == result.excess_cost
