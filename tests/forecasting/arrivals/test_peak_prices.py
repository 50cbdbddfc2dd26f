from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.peak_price import PeakPrice
from forecasting.arrivals.base import Base
from forecasting.arrivals.peak_prices import LEAST_SPREAD, Days, level_spread, peak_prices
from tests.forecasting.visits_of import BERLIN, MONDAY, at, visit


def days_of(count: int, energy_kwh: Callable[[int], float]) -> Days:
    """A vehicle for an hour on each of the days before, `energy_kwh(back)` on the one so many days back."""
    return {
        MONDAY - timedelta(days=back): (visit(MONDAY - timedelta(days=back), 9, 1, energy_kwh(back), 50.0),)
        for back in range(1, count + 1)
    }


def _price_at(prices: tuple[PeakPrice, ...], level: float) -> float:
    return [p.price_per_kw for p in prices if p.above_kw <= level][-1]


def test_a_peak_that_later_days_need_anyway_is_free_today() -> None:
    days = days_of(14, lambda _: 20.0)
    prices = peak_prices(days, MONDAY, MONDAY + timedelta(days=2), 15.0)
    assert prices[0] == PeakPrice(0.0, 0.0)
    assert _price_at(prices, 0.7 * 20.0) == 0.0
    assert _price_at(prices, 1.5 * 20.0) == 15.0


def test_more_days_to_come_than_seen_make_a_peak_above_all_seen_likely() -> None:
    days = days_of(14, lambda back: 20.0 + back % 5)
    tomorrow, weeks = (peak_prices(days, MONDAY, MONDAY + timedelta(days=left), 15.0) for left in (1, 27))
    assert _price_at(weeks, 24.0) < 0.5 * _price_at(tomorrow, 24.0)


def test_a_holiday_among_working_days_makes_no_higher_peaks_likely() -> None:
    plain = days_of(14, lambda back: 20.0 + back % 5)
    with_holiday = plain | {MONDAY - timedelta(days=3): (visit(MONDAY - timedelta(days=3), 9, 1, 0.5, 50.0),)}
    last = MONDAY + timedelta(days=4)
    before, after = (peak_prices(days, MONDAY, last, 15.0) for days in (plain, with_holiday))
    assert _price_at(after, 30.0) > 0.9 * _price_at(before, 30.0)


def test_where_weeks_have_differed_less_is_taken_for_certain() -> None:
    steady, changing = days_of(28, lambda _: 20.0), days_of(28, lambda back: 20.0 * 1.6 ** ((back - 1) // 7 % 2))
    last = MONDAY + timedelta(days=20)
    assert level_spread(steady, MONDAY) == LEAST_SPREAD
    assert level_spread(changing, MONDAY) == pytest.approx(np.log(1.6))
    assert _price_at(peak_prices(changing, MONDAY, last, 15.0), 17.0) > 0.0
    assert _price_at(peak_prices(steady, MONDAY, last, 15.0), 17.0) == 0.0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1, 40), min_size=4, max_size=12), st.integers(1, 30))
def test_prices_ascend_to_the_demand_charge_and_never_fall_as_the_month_passes(
    energies: list[float], days_left: int
) -> None:
    days = days_of(len(energies), lambda back: energies[back - 1])
    early, late = (
        peak_prices(days, MONDAY, MONDAY + timedelta(days=left), 15.0) for left in (days_left, days_left - 1)
    )
    for prices in (early, late):
        assert [p.price_per_kw for p in prices] == sorted(p.price_per_kw for p in prices)
        assert prices[-1].price_per_kw == 15.0
    for level in range(60):
        assert _price_at(early, level) <= _price_at(late, level) + 1e-12


def test_a_building_raises_what_every_day_needs_and_its_sun_lowers_it() -> None:
    days = days_of(14, lambda _: 20.0)
    quarters = [(at(MONDAY - timedelta(days=back), n / 4), 1.0) for back in range(14, 0, -1) for n in range(96)]
    free_kw = {}
    for name, sign in (("building", 30.0), ("nothing", 0.0), ("sun", -15.0)):
        base = Base.of([(instant, sign * kw) for instant, kw in quarters], BERLIN)
        prices = peak_prices(days, MONDAY, MONDAY + timedelta(days=2), 15.0, base=base)
        free_kw[name] = prices[1].above_kw
    assert free_kw["building"] > 2 * free_kw["nothing"] > 4 * free_kw["sun"]


def test_a_building_alone_has_a_peak_on_days_on_which_nobody_came() -> None:
    quarters = [(at(MONDAY - timedelta(days=back), 12), 40.0) for back in range(14, 0, -1)]
    days: Days = {MONDAY - timedelta(days=back): () for back in range(1, 15)}
    prices = peak_prices(days, MONDAY, MONDAY + timedelta(days=2), 15.0, base=Base.of(quarters, BERLIN))
    assert 20.0 < prices[1].above_kw < 40.0
