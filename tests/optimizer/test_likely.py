"""Likely days: one plan for who is here against every way the day may go on, checked by a program written without the optimizer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from cpms.domain.plan import Coming, DemandPrice, LikelyDay, PlanRequest, PlanStatus
from optimizer import plan
from tests.optimizer.requests import feeder, need, request

COUNT = 4
PRICES = (0.3, 0.2, 0.25, 0.2)
MOST_KW = 11.0


def someone(probability: float, first: int, last: int, energy_kwh: float) -> LikelyDay:
    """A vehicle of MOST_KW that is there in the hours from `first` up to `last`."""
    energy_kwh = min(energy_kwh, MOST_KW * (last - first))
    hours = np.arange(1, COUNT + 1)
    least = np.clip(energy_kwh - MOST_KW * np.clip(last - np.maximum(hours, first), 0, None), 0, None)
    most = np.minimum(energy_kwh, MOST_KW * np.clip(np.minimum(hours, last) - first, 0, None))
    there = (hours > first) & (hours <= last)
    series = (tuple(values.tolist()) for values in (least, most, MOST_KW * there))
    return LikelyDay(probability, (Coming("root", *series),))


def demand(price_per_kw: float, so_far_kw: float, rises: tuple[tuple[float, float], ...] = ()) -> DemandPrice:
    return DemandPrice(price_per_kw, so_far_kw, (True,) * COUNT, 3600, rises)


def asked(days: tuple[LikelyDay, ...], price: DemandPrice, energy_kwh: float = 20.0) -> PlanRequest:
    """A session whose power may be anything that a hundredth of an ampere can tell."""
    here = need(energy_kwh=energy_kwh, max_current_a=32.0, min_current_a=0.0, step_a=0.001)
    return replace(request(here, price=PRICES, demand=(price,)), likely=days)


def least_cost(days: tuple[LikelyDay, ...], price: DemandPrice, energy_kwh: float) -> float:
    """Energy and demand cost of the best plan for the session and on average over the days, written out as one linear program.

    Columns: power here per hour; then per day power come per hour and one piece of peak per level.
    """
    levels = [(price.peak_so_far_kw, price.price_per_kw), *price.rises]
    width = COUNT + len(levels)
    columns = COUNT + width * len(days)
    cost, bounds = np.zeros(columns), [(0.0, 22.08)] * COUNT + [(0.0, 0.0)] * (width * len(days))
    cost[:COUNT] = PRICES
    rows, right = [], []
    for j, day in enumerate(days):
        start = COUNT + j * width
        cost[start : start + COUNT] = day.probability * np.array(PRICES)
        bounds[start : start + COUNT] = [(0.0, kw) for kw in day.coming[0].most_kw]
        for i, (from_kw, per_kw) in enumerate(levels):
            cost[start + COUNT + i] = day.probability * per_kw
            bounds[start + COUNT + i] = (0.0, levels[i + 1][0] - from_kw if i + 1 < len(levels) else np.inf)
        for t in range(COUNT):
            row = np.zeros(columns)
            row[[t, start + t]] = 1.0
            row[start + COUNT : start + width] = -1.0
            taken = np.zeros(columns)
            taken[start : start + t + 1] = 1.0
            rows += [row, taken, -taken]
            right += [price.peak_so_far_kw, day.coming[0].most_kwh[t], -day.coming[0].least_kwh[t]]
    here = np.zeros((1, columns))
    here[0, :COUNT] = 1.0
    solved = linprog(cost, A_ub=np.array(rows), b_ub=right, A_eq=here, b_eq=[energy_kwh], bounds=bounds)
    assert solved.status == 0
    return float(solved.fun)


def money(made: object) -> float:
    terms = made.cost_by_term  # type: ignore[attr-defined]
    return float(terms["energy"] + terms["demand"] + terms["likely"])


@st.composite
def likely_days(draw: st.DrawFn) -> tuple[LikelyDay, ...]:
    count = draw(st.integers(1, 3))
    days = []
    for _ in range(count):
        first = draw(st.integers(0, COUNT - 1))
        days.append(someone(1 / count, first, draw(st.integers(first + 1, COUNT)), draw(st.floats(0, 30))))
    return tuple(days)


@settings(max_examples=25, deadline=None)
@given(likely_days(), st.floats(0, 20), st.floats(0.5, 15))
def test_costs_as_little_as_a_program_written_out_by_hand(
    days: tuple[LikelyDay, ...], so_far_kw: float, price_per_kw: float
) -> None:
    price = demand(price_per_kw, so_far_kw, ((so_far_kw + 4.0, 2 * price_per_kw),))
    made = plan(asked(days, price))
    least = least_cost(days, price, 20.0)
    assert made.objective is not None
    assert made.bound is not None
    assert least - 1e-4 <= money(made) <= least + 0.002 * max(1.0, made.objective) + 0.05
    assert made.bound <= made.objective + 1e-9
    assert made.gap is not None
    assert made.gap <= 0.001


def test_a_day_on_which_nobody_comes_changes_nothing() -> None:
    nobody = LikelyDay(1.0, (Coming("root", (0.0,) * COUNT, (0.0,) * COUNT, (0.0,) * COUNT),))
    price = demand(10.0, 3.0)
    alone, with_nobody = plan(asked((), price)), plan(asked((nobody,), price))
    assert with_nobody.objective == pytest.approx(alone.objective, rel=1e-6)


def test_who_is_here_is_served_whoever_may_come() -> None:
    crowd = tuple(someone(0.5, first, COUNT, 30.0) for first in (0, 2))
    made = plan(asked(crowd, demand(100.0, 0.0), energy_kwh=60.0))
    assert made.sessions[0].shortfall_kwh == 0.0


def test_a_level_already_paid_costs_what_holds_there() -> None:
    price = demand(0.0, 12.0, ((4.0, 1.0), (8.0, 5.0), (16.0, 9.0)))
    made = plan(replace(asked((), price, energy_kwh=72.0)))
    assert made.cost_by_term["demand"] == pytest.approx(4 * 5.0 + 2 * 9.0, abs=0.05)


def test_room_below_a_small_fuse_is_left_to_who_may_come() -> None:
    cheap_later = (0.3, 0.3, 0.1, 0.1)
    feeders = (feeder(COUNT), feeder(COUNT, "pod", "root", limit_a=16.0))
    here = need(energy_kwh=22.0, feeder_id="pod", max_current_a=16.0, min_current_a=0.0)
    alone = request(here, price=cheap_later, feeders=feeders)
    crowd = Coming("pod", (0.0, 0.0, 11.0, 22.0), (0.0, 0.0, 11.0, 22.0), (0.0, 0.0, 11.0, 11.0))
    with_crowd = replace(alone, likely=(LikelyDay(0.5, (crowd,)), LikelyDay(0.5)))
    waits, makes_room = plan(alone).sessions[0].power_kw, plan(with_crowd).sessions[0].power_kw
    assert sum(waits[:2]) < 0.5
    assert sum(makes_room[:2]) > 21.0


def test_a_crowd_that_cannot_all_be_served_is_no_reason_to_fail() -> None:
    feeders = (feeder(COUNT, limit_a=16.0),)
    crowd = Coming("root", (40.0, 80.0, 120.0, 160.0), (40.0, 80.0, 120.0, 160.0), (40.0,) * COUNT)
    made = plan(replace(request(need(energy_kwh=20.0), feeders=feeders), likely=(LikelyDay(1.0, (crowd,)),)))
    assert made.status is PlanStatus.OPTIMAL
    assert made.sessions[0].shortfall_kwh == pytest.approx(0.0, abs=1e-6)
