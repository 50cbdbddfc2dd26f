"""Load and sun that may be one way or another: one plan for all of it, and what is exchanged with the grid is paid on each day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from cpms.domain.contract import Subscription
from cpms.domain.plan import DemandPrice, LikelyDay, PlanRequest
from optimizer import plan
from tests.optimizer.requests import need, request

COUNT = 4
IMPORT, EXPORT = (0.30, 0.12, 0.25, 0.2), (0.08, 0.05, 0.02, 0.2)
PEAK_PRICE, SO_FAR_KW, MOST_KW, NEED_KWH = 2.0, 3.0, 22.08, 20.0

series = st.lists(st.floats(0, 30), min_size=COUNT, max_size=COUNT).map(tuple)


def asked(*days: LikelyDay, co2_price: float = 0.0) -> PlanRequest:
    here = need(energy_kwh=NEED_KWH, max_current_a=32.0, min_current_a=0.0, step_a=0.001)
    demand = DemandPrice(PEAK_PRICE, SO_FAR_KW, (True,) * COUNT, 3600)
    made = request(here, price=IMPORT, export_price=EXPORT, demand=(demand,), solar_kw=(5.0,) * COUNT)
    return replace(made, likely=days, co2_price_per_kg=co2_price, co2_g_per_kwh=(400.0, 100.0, 300.0, 200.0))


def least_cost(days: tuple[LikelyDay, ...], co2_price: float) -> float:
    """The same written out as one linear program. Columns: power per hour, then per day what is drawn and fed per hour, and a peak."""
    width = 2 * COUNT + 1
    columns = COUNT + width * len(days)
    bounds = [(0.0, MOST_KW)] * COUNT + [(0.0, np.inf)] * (width * len(days))
    cost, equal, right = np.zeros(columns), np.zeros((COUNT * len(days) + 1, columns)), np.zeros(COUNT * len(days) + 1)
    peak = np.zeros((COUNT * len(days), columns))
    equal[-1, :COUNT], right[-1] = 1.0, NEED_KWH
    emitted = np.array([0.4, 0.1, 0.3, 0.2]) * co2_price
    for j, day in enumerate(days):
        first = COUNT + j * width
        cost[first : first + width - 1] = day.probability * np.concatenate([IMPORT + emitted, -np.array(EXPORT)])
        cost[first + width - 1] = day.probability * PEAK_PRICE
        for t in range(COUNT):
            row, here = j * COUNT + t, [first + t, first + COUNT + t]
            equal[row, [t, *here]] = -1.0, 1.0, -1.0
            right[row] = day.other_load_kw[t] - day.solar_kw[t]
            peak[row, [*here, first + width - 1]] = 1.0, -1.0, -1.0
    solved = linprog(cost, A_eq=equal, b_eq=right, A_ub=peak, b_ub=np.full(len(peak), SO_FAR_KW), bounds=bounds)
    assert solved.status == 0
    return float(solved.fun)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(series, series), min_size=1, max_size=3), st.sampled_from([0.0, 0.1]))
def test_costs_on_average_as_little_as_a_program_written_out_by_hand(
    weather: list[tuple[tuple[float, ...], tuple[float, ...]]], co2_price: float
) -> None:
    days = tuple(LikelyDay(1 / len(weather), (), load_kw, solar_kw) for load_kw, solar_kw in weather)
    made = plan(asked(*days, co2_price=co2_price))
    least = least_cost(days, co2_price)
    cost = sum(made.cost_by_term[name] for name in ("energy", "demand", "co2"))
    assert made.objective is not None
    assert made.bound is not None
    assert least - 1e-4 <= cost <= least + 0.002 * max(1.0, abs(made.objective)) + 0.05
    assert made.bound <= made.objective + 1e-9


def test_days_that_are_all_as_expected_change_nothing() -> None:
    known = asked()
    days = (LikelyDay(0.3, (), known.other_load_kw, known.solar_kw), LikelyDay(0.7))
    assert plan(asked(*days)).objective == pytest.approx(plan(known).objective, rel=1e-6)


def test_what_is_imported_is_told_on_average() -> None:
    days = (LikelyDay(0.25, (), (40.0,) * COUNT), LikelyDay(0.75, (), (20.0,) * COUNT))
    made = plan(asked(*days))
    drawn_kw = np.array(made.sessions[0].power_kw)
    assert made.import_kw == pytest.approx((25.0 - 5.0 + drawn_kw).tolist())


def test_a_fee_for_exceeding_a_subscription_is_paid_on_the_days_that_exceed_it() -> None:
    days = (LikelyDay(0.25, (), (40.0,) * COUNT), LikelyDay(0.75, (), (0.0,) * COUNT))
    subscribed = Subscription(subscribed_kw=30.0, fee_per_kwh=0.0, applies=(True,) * COUNT, fee=100.0)
    made = plan(replace(asked(*days), subscriptions=(subscribed,)))
    assert made.cost_by_term["subscription"] == pytest.approx(25.0)
