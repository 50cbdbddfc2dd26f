from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from cpms.domain.errors import InvalidInput
from cpms.domain.plan import Coming
from cpms.domain.time import Interval
from forecasting.arrivals.visits import Visit, alike, due_kwh, least_peak_kw, together
from tests.forecasting.visits_of import MONDAY, at, visit


def test_a_working_day_is_like_working_days_and_a_saturday_like_weekends() -> None:
    days = {MONDAY - timedelta(days=back): () for back in range(1, 15)}
    assert [day.weekday() for day in alike(days, MONDAY, 3)] == [4, 3, 2]
    assert [day.weekday() for day in alike(days, MONDAY - timedelta(days=2), 2)] == [6, 5]


def quarters(count: int) -> list[Interval]:
    marks = [at(MONDAY, 8) + timedelta(minutes=15 * n) for n in range(count + 1)]
    return [Interval(a, b) for a, b in pairwise(marks)]


def test_visits_together_take_their_energy_between_as_early_and_as_late_as_they_can() -> None:
    steps = [Interval(at(MONDAY, hour), at(MONDAY, hour + 1)) for hour in range(8, 12)]
    (day,) = together([visit(MONDAY, 9, 2, 15.0, 10.0)], steps)
    assert day.least_kwh == pytest.approx((0.0, 5.0, 15.0, 15.0))
    assert day.most_kwh == pytest.approx((0.0, 10.0, 15.0, 15.0))
    assert day.most_kw == pytest.approx((0.0, 10.0, 10.0, 0.0))


def test_half_a_vehicle_takes_half() -> None:
    stay = visit(MONDAY, 9, 2, 15.0, 10.0)
    (whole,), (half,) = together([stay], quarters(12)), together([stay, stay], quarters(12), [0.2, 0.3])
    for series in ("least_kwh", "most_kwh", "most_kw"):
        assert getattr(half, series) == pytest.approx(np.array(getattr(whole, series)) / 2)


def test_what_is_due_cannot_be_had_later() -> None:
    stays = [visit(MONDAY, 9, 2, 15.0, 10.0), visit(MONDAY, 8, 1, 4.0, 10.0), visit(MONDAY, 12, 2, 5.0, 10.0)]
    assert due_kwh(stays, at(MONDAY, 10)) == pytest.approx(5.0 + 4.0)
    assert due_kwh([], at(MONDAY, 10)) == 0.0


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(7, 12), st.floats(0.1, 8), st.floats(0, 60), st.floats(1, 22)), min_size=1, max_size=6
    )
)
def test_visits_together_are_always_something_a_plan_can_be_made_for(
    stays: list[tuple[int, float, float, float]],
) -> None:
    steps = quarters(12)
    (day,) = together([visit(MONDAY, *stay) for stay in stays], steps)
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


def test_visits_below_different_feeders_are_not_taken_together() -> None:
    here, there = (replace(visit(MONDAY, 9, 2), feeder_id=name) for name in ("here", "there"))
    crowds = together([there, here, there], quarters(12))
    assert [crowd.feeder_id for crowd in crowds] == ["here", "there"]
    assert together([], quarters(1)) == ()


def test_the_order_of_visits_changes_nothing() -> None:
    visits = [replace(visit(MONDAY, 8 + n, 2), feeder_id=f"pod {n % 2}") for n in range(4)]
    crowds: list[tuple[Coming, ...]] = [together(order, quarters(12)) for order in (visits, visits[::-1])]
    assert crowds[0] == crowds[1]


def test_a_visit_that_took_more_than_its_connector_can_raises_the_least_peak_by_no_more_than_that() -> None:
    """A meter reads a little high: over a moment in which somebody else came and went, that is no power."""
    over, moment = visit(MONDAY, 9, 2, 22.5, 11.0), visit(MONDAY, 10, 0.01, 0.0)
    assert least_peak_kw([over, moment]) == pytest.approx(11.0)
