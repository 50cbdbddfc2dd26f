from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.control.peaks import PeakTracker, demand_prices
from cpms.domain.tariff import BillingPeriod, DemandCharge, Tariff, TimeOfUseBand, bill
from cpms.domain.time import Interval

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
CHARGE = DemandCharge(Decimal(15))


def tariff(*charges: DemandCharge) -> Tariff:
    return Tariff("t", "EUR", "Europe/Berlin", demand_charges=charges or (CHARGE,))


@given(st.lists(st.integers(0, 100), min_size=31, max_size=90))
def test_the_peak_so_far_is_the_one_that_is_billed(minutes_kw):
    minutes_kw = minutes_kw[: len(minutes_kw) // 15 * 15]
    tracker, starts = PeakTracker(), [NOW + timedelta(minutes=i) for i in range(len(minutes_kw))]
    for at, power_kw in zip(starts, minutes_kw, strict=True):
        tracker.observe(tariff(), at, float(power_kw))
    tracker.observe(tariff(), starts[-1] + timedelta(minutes=1), 0.0)
    billed = bill(tariff(), starts, [float(p) for p in minutes_kw], 60)
    assert tracker.peak_kw(CHARGE, "Europe/Berlin", NOW) == pytest.approx(billed.peak_kw)


def test_a_silent_meter_counts_for_five_minutes_and_no_number_for_nothing():
    tracker = PeakTracker()
    tracker.observe(tariff(), NOW, 90.0)
    tracker.observe(tariff(), NOW + timedelta(seconds=10), nan)
    tracker.observe(tariff(), NOW + timedelta(minutes=14), 0.0)
    assert tracker.peak_kw(CHARGE, "UTC", NOW) == pytest.approx(30.0)


def test_each_billing_period_in_the_horizon_has_its_own_peak():
    daily = DemandCharge(Decimal(1), BillingPeriod.DAY)
    tracker = PeakTracker()
    tracker.note_window(tariff(daily), NOW, 44.0)
    steps = tuple(Interval(NOW + timedelta(hours=h), NOW + timedelta(hours=h + 1)) for h in range(13))
    today, tomorrow = demand_prices(tariff(daily), tracker, steps, NOW)
    assert (today.peak_so_far_kw, tomorrow.peak_so_far_kw) == (44.0, 0.0)
    assert (sum(today.applies), sum(tomorrow.applies)) == (11, 2)


def test_a_charge_with_hours_applies_in_them_only():
    banded = DemandCharge(Decimal(1), band=TimeOfUseBand(Decimal(0), time(17), time(20)))
    tracker = PeakTracker()
    tracker.note_window(tariff(banded), NOW, 44.0)
    steps = tuple(Interval(NOW + timedelta(hours=h), NOW + timedelta(hours=h + 1)) for h in range(12))
    (price,) = demand_prices(tariff(banded), tracker, steps, NOW)
    assert price.peak_so_far_kw == 0.0
    assert [h for h, applies in enumerate(price.applies) if applies] == [4, 5, 6]
