from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from cpms.domain.errors import InvalidInput
from cpms.domain.time import Interval
from forecasting.arrivals import (
    WITHOUT_FORESIGHT,
    PeakPrice,
    Visit,
    alike,
    demand_price,
    least_peak_kw,
    outlook,
    peak_prices,
    together,
)

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 23)
MONTH_END = datetime(2026, 4, 1, tzinfo=BERLIN)


def visit(day: date, hour: float, stay_h: float, energy_kwh: float = 10.0, max_kw: float = 11.0) -> Visit:
    local = datetime(day.year, day.month, day.day, int(hour), round(hour % 1 * 60), tzinfo=BERLIN)
    arrives_at = local.astimezone(UTC)
    return Visit(arrives_at, arrives_at + timedelta(hours=stay_h), energy_kwh, max_kw)


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=BERLIN)


def history(days: int, energy_kwh: float = 10.0) -> list[Visit]:
    return [visit(MONDAY - timedelta(days=back), 9, 4, energy_kwh) for back in range(1, days + 1)]


def test_a_working_day_is_like_working_days_and_a_saturday_like_weekends() -> None:
    days = {MONDAY - timedelta(days=back): () for back in range(1, 15)}
    assert [day.weekday() for day in alike(days, MONDAY, 3)] == [4, 3, 2]
    assert [day.weekday() for day in alike(days, MONDAY - timedelta(days=2), 2)] == [6, 5]


def test_a_likely_day_begins_at_the_same_local_time_after_the_clocks_change() -> None:
    before_change = [visit(date(2026, 3, 27), 9.5, 4)]
    view = outlook(before_change, at(date(2026, 3, 30), 6), MONTH_END, "Europe/Berlin", 15.0)
    arrival = view.likely_days[0][0].arrives_at
    assert arrival.astimezone(BERLIN).hour + arrival.astimezone(BERLIN).minute / 60 == 9.5


def test_only_later_arrivals_are_still_to_come() -> None:
    view = outlook(
        [visit(MONDAY - timedelta(days=3), hour, 2) for hour in (8, 11, 15)],
        at(MONDAY, 6),
        MONTH_END,
        "Europe/Berlin",
        15.0,
    )
    assert [len(day) for day in view.still_to_come(at(MONDAY, 11))] == [1]


def test_nothing_that_ends_after_now_is_known() -> None:
    now = at(MONDAY, 8)
    past = history(14)
    overnight = visit(MONDAY - timedelta(days=3), 20, 90, 500.0)
    future = [visit(MONDAY + timedelta(days=n), 9, 4, 80.0) for n in range(5)]
    known, told = (
        outlook(visits, now, MONTH_END, "Europe/Berlin", 15.0) for visits in (past, [*past, overnight, *future])
    )
    assert known == told


def test_without_history_the_expected_peak_is_free_and_more_costs_the_demand_charge() -> None:
    view = outlook([], at(MONDAY, 8), MONTH_END, "Europe/Berlin", 15.0, expected_peak_kw=30.0)
    assert view.peak_prices == (PeakPrice(0.0, 0.0), PeakPrice(30.0, 15.0))
    assert view.likely_days == ()


def test_without_anything_known_every_kw_costs_the_demand_charge() -> None:
    assert outlook([], at(MONDAY, 8), MONTH_END, "Europe/Berlin", 15.0).peak_prices == (PeakPrice(0.0, 15.0),)


def test_on_the_last_day_every_kw_costs_the_demand_charge() -> None:
    last = outlook(history(14), at(date(2026, 3, 31), 8), MONTH_END, "Europe/Berlin", 15.0)
    assert last.peak_prices == (PeakPrice(0.0, 15.0),)


def test_a_peak_that_tomorrow_needs_anyway_is_free_today() -> None:
    days = {MONDAY - timedelta(days=back): (visit(MONDAY, 9, 1, 20.0, 22.0),) for back in range(3, 15)}
    prices = peak_prices(days, MONDAY, MONDAY + timedelta(days=1), 15.0)
    needed_kw = 20.0 * WITHOUT_FORESIGHT
    assert prices[0] == PeakPrice(0.0, 0.0)
    assert _price_at(prices, 0.8 * needed_kw) == 0.0
    assert _price_at(prices, 1.3 * needed_kw) == 15.0


def test_more_days_to_come_than_seen_make_a_peak_above_all_seen_likely() -> None:
    days = {MONDAY - timedelta(days=n): (visit(MONDAY, 9, 1, 20.0 + n % 5, 50.0),) for n in range(3, 15)}
    highest_kw = 24.0 * WITHOUT_FORESIGHT
    tomorrow, weeks = (peak_prices(days, MONDAY, MONDAY + timedelta(days=left), 15.0) for left in (1, 27))
    assert _price_at(weeks, highest_kw) < 0.5 * _price_at(tomorrow, highest_kw)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1, 40), min_size=4, max_size=12), st.integers(1, 30))
def test_prices_ascend_to_the_demand_charge_and_never_fall_as_the_month_passes(
    energies: list[float], days_left: int
) -> None:
    days = {MONDAY - timedelta(days=n): (visit(MONDAY, 9, 1, e, 50.0),) for n, e in enumerate(energies, start=1)}
    early, late = (
        peak_prices(days, MONDAY, MONDAY + timedelta(days=left), 15.0) for left in (days_left, days_left - 1)
    )
    for prices in (early, late):
        assert [p.price_per_kw for p in prices] == sorted(p.price_per_kw for p in prices)
        assert prices[-1].price_per_kw == 15.0
    for level in range(60):
        assert _price_at(early, level) <= _price_at(late, level) + 1e-12


def _price_at(prices: tuple[PeakPrice, ...], level: float) -> float:
    return [p.price_per_kw for p in prices if p.above_kw <= level][-1]


def test_the_prices_of_peak_become_one_demand_price() -> None:
    prices = (PeakPrice(0.0, 0.0), PeakPrice(20.0, 4.0), PeakPrice(30.0, 15.0))
    price = demand_price(prices, 24.0, (True, False))
    assert (price.price_per_kw, price.peak_so_far_kw) == (0.0, 24.0)
    assert price.rises == ((20.0, 4.0), (30.0, 15.0))


def quarters(count: int) -> list[Interval]:
    marks = [at(MONDAY, 8) + timedelta(minutes=15 * n) for n in range(count + 1)]
    return [Interval(a, b) for a, b in pairwise(marks)]


def test_visits_together_take_their_energy_between_as_early_and_as_late_as_they_can() -> None:
    steps = [Interval(at(MONDAY, hour), at(MONDAY, hour + 1)) for hour in range(8, 12)]
    day = together([visit(MONDAY, 9, 2, 15.0, 10.0)], steps)
    assert day.least_kwh == pytest.approx((0.0, 5.0, 15.0, 15.0))
    assert day.most_kwh == pytest.approx((0.0, 10.0, 15.0, 15.0))
    assert day.most_kw == pytest.approx((0.0, 10.0, 10.0, 0.0))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(7, 12), st.floats(0.1, 8), st.floats(0, 60), st.floats(1, 22)), min_size=0, max_size=6
    )
)
def test_visits_together_are_always_something_a_plan_can_be_made_for(
    stays: list[tuple[int, float, float, float]],
) -> None:
    steps = quarters(12)
    day = together([visit(MONDAY, *stay) for stay in stays], steps)
    least, most = np.array(day.least_kwh), np.array(day.most_kwh)
    assert (np.diff(least, prepend=0.0) >= -1e-9).all()
    assert (np.diff(most, prepend=0.0) >= -1e-9).all()
    assert (least <= most + 1e-9).all()
    assert (np.diff(least) <= np.array(day.most_kw)[1:] / 4 + 1e-9).all()


def test_a_single_vehicle_needs_its_energy_over_its_stay() -> None:
    assert least_peak_kw([visit(MONDAY, 9, 4, 20.0)]) == pytest.approx(5.0)
    assert least_peak_kw([]) == 0.0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 6), st.floats(0.05, 1.0)), min_size=1, max_size=6))
def test_the_least_peak_is_a_bound_and_close_to_what_a_linear_program_finds(
    stays: list[tuple[int, int, float]],
) -> None:
    visits = [visit(MONDAY, 6 + begin, length, share * length * 11.0) for begin, length, share in stays]
    exact = _least_peak_by_program(stays)
    assert exact * 0.85 - 1e-6 <= least_peak_kw(visits) <= exact + 1e-6


def _least_peak_by_program(stays: list[tuple[int, int, float]]) -> float:
    hours = 14
    cells = [(n, t) for n, (begin, length, _) in enumerate(stays) for t in range(begin, begin + length)]
    cost = np.append(np.zeros(len(cells)), 1.0)
    energy, peak = np.zeros((len(stays), len(cells) + 1)), np.zeros((hours, len(cells) + 1))
    for column, (n, t) in enumerate(cells):
        energy[n, column] = peak[t, column] = 1.0
    peak[:, -1] = -1.0
    needs = [share * length * 11.0 for _, length, share in stays]
    bounds = [(0, 11.0)] * len(cells) + [(0, None)]
    return float(linprog(cost, A_ub=peak, b_ub=np.zeros(hours), A_eq=energy, b_eq=needs, bounds=bounds).fun)


def test_a_visit_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InvalidInput, match="departs_at"):
        Visit(at(MONDAY, 9), at(MONDAY, 9), 1.0, 1.0)


def test_naive_instants_and_unknown_zones_are_refused() -> None:
    with pytest.raises(InvalidInput):
        outlook([], datetime(2026, 3, 23), MONTH_END, "Europe/Berlin", 15.0)  # noqa: DTZ001 - that is the point
    with pytest.raises(InvalidInput):
        outlook([], at(MONDAY, 9), MONTH_END, "Europe/Nowhere", 15.0)
