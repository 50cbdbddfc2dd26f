"""Setpoints as stations and vehicles want them: levels, few starts, gentle rises."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.need import PhaseSwitching
from cpms.domain.plan import ChargingNeed
from optimizer import plan
from optimizer.problem.conduct import NONE, Conduct
from optimizer.problem.horizon import horizon
from optimizer.problem.setpoint_grid import Grid, grid_of
from tests.optimizer.oracle import exceeded_limits
from tests.optimizer.requests import feeder, need, request

LEVELS = Grid(1.0, 6.0, 16.0, np.array([6.0, 8.0, 10.0, 13.0, 16.0]))
EVEN = Grid(1.0, 6.0, 16.0)


@pytest.mark.parametrize(
    ("power", "down", "up"),
    [(0.0, 0.0, 6.0), (5.9, 0.0, 6.0), (11.0, 10.0, 13.0), (13.0, 13.0, 13.0), (40.0, 16.0, 16.0)],
)
def test_a_power_between_two_levels_has_one_below_and_one_above(power: float, down: float, up: float):
    assert LEVELS.down(np.array([power])) == pytest.approx([down])
    assert LEVELS.up(np.array([power])) == pytest.approx([up])


def test_without_levels_every_multiple_from_the_minimum_on_is_a_setpoint():
    assert EVEN.down(np.array([5.9, 11.2, 99.0])) == pytest.approx([0.0, 11.0, 16.0])
    assert EVEN.up(np.array([0.0, 11.2, 99.0])) == pytest.approx([6.0, 12.0, 16.0])


def test_levels_outside_of_what_the_vehicle_takes_are_none():
    asked = request(replace(need(max_current_a=16.0, step_a=1.0), setpoints_a=(0.0, 4.0, 8.0, 12.0, 32.0)))
    grid = grid_of(asked, asked.needs[0], 3)
    assert grid.levels == pytest.approx(np.array([8.0, 12.0]))
    assert (grid.least_kw, grid.most_kw) == pytest.approx((8 * 0.69, 12 * 0.69))


def in_a_row(count: int, now_kw: float = 0.0) -> dict[str, np.ndarray]:
    """Slots that go on from each other, the first one from what is set now."""
    return {"before": np.arange(count) - 1, "now_kw": np.where(np.arange(count) == 0, now_kw, 0.0)}


def test_a_rise_is_counted_from_the_step_before_and_a_start_may_reach_the_minimum():
    gentle = Conduct(EVEN, **in_a_row(5, now_kw=7.0), rise_kw=np.full(5, 2.0))
    assert gentle.obeyed(np.array([16.0, 16.0, 0.0, 16.0, 16.0])) == pytest.approx([9, 11, 0, 6, 8])


def test_the_longest_runs_are_kept_and_what_goes_on_is_no_start():
    seldom = Conduct(EVEN, **in_a_row(6, now_kw=6.0), max_starts=1)
    row = np.array([6.0, 0.0, 6.0, 0.0, 8.0, 8.0])
    assert seldom.obeyed(row).tolist() == [6, 0, 0, 0, 8, 8]
    assert replace(seldom, **in_a_row(6)).obeyed(row).tolist() == [0, 0, 0, 0, 8, 8]
    assert replace(seldom, max_starts=0).obeyed(row).tolist() == [6, 0, 0, 0, 0, 0]


def test_a_step_without_a_slot_is_off():
    gone = replace(need("a", 10.0, 5.0, max_current_a=20.0, step_a=1.0), max_starts=1, max_rise_a_per_min=1 / 60)
    caps = replace(feeder(5), limit_a=(100.0, 100.0, 5.0, 100.0, 100.0))
    (conduct,) = horizon(request(gone, count=5, feeders=(caps,))).conduct
    assert conduct.before.tolist() == [NONE, 0, NONE, 2]
    assert conduct.obeyed(0.69 * np.array([6.0, 7.0, 8.0, 9.0])) == pytest.approx(0.69 * np.array([6, 7, 0, 0]))


def switcher(**wishes: object) -> ChargingNeed:
    return replace(need("a", 10.0, 2.0, max_current_a=10.0, step_a=2.0), switching=PhaseSwitching(), **wishes)


def test_what_follows_a_switch_of_phases_begins_anew_and_what_is_set_goes_on_where_it_is():
    on_one = switcher(on_single_phase=True, current_a=10.0, max_starts=1, max_rise_a_per_min=2 / 60)
    (conduct,) = horizon(request(on_one)).conduct  # slots by step, all phases before one
    assert conduct.before.tolist() == [NONE, NONE, 0, 1]
    assert conduct.now_kw == pytest.approx([0.0, 2.3, 0.0, 0.0])
    assert conduct.rise_kw == pytest.approx([1.38, 0.46, 1.38, 0.46])
    switched = 0.23 * np.array([0.0, 10.0, 30.0, 0.0])
    assert conduct.obeyed(switched) == pytest.approx(0.23 * np.array([0, 10, 18, 0]))
    assert replace(conduct, max_starts=0).obeyed(switched) == pytest.approx(0.23 * np.array([0, 10, 0, 0]))


def test_starts_are_counted_over_all_sets_of_phases():
    (conduct,) = horizon(request(switcher(max_starts=1))).conduct
    assert conduct.obeyed(0.23 * np.array([0.0, 10.0, 30.0, 0.0])) == pytest.approx(0.23 * np.array([0, 0, 30, 0]))


def test_frozen_steps_come_before_the_first_that_is_free():
    asked = request(replace(need(energy_kwh=30.0), frozen_a=(10.0, 12.0), max_starts=0))
    assert horizon(asked).conduct[0].now_kw == pytest.approx([12 * 0.69, 0.0])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(0, 16), min_size=1, max_size=8),
    st.integers(0, 3),
    st.integers(1, 12),
    st.sampled_from([0.0, 8.0]),
)
def test_what_is_obeyed_once_stays_as_it_is_and_is_never_higher(row: list[int], starts: int, rise: int, before: float):
    rise_kw = np.full(len(row), float(rise))
    conduct = Conduct(EVEN, **in_a_row(len(row), before), max_starts=starts, rise_kw=rise_kw)
    wanted = EVEN.down(np.array(row, dtype=np.float64))
    once = conduct.obeyed(wanted)
    assert np.all(once <= wanted + 1e-9)
    assert conduct.obeyed(once) == pytest.approx(once)
    series = [before, *once.tolist()]
    assert sum(b > 0 >= a for a, b in pairwise(series)) <= starts
    assert all(b <= (max(rise, 6) if a == 0 else a + rise) + 1e-9 for a, b in pairwise(series))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.data())
def test_plans_keep_to_levels_starts_and_rises(data: st.DataObject):
    needs = []
    for name in ("a", "b", "c"):
        one = need(name, data.draw(st.floats(0, 12)), data.draw(st.floats(0.2, 2.0)), step_a=1.0)
        one = replace(
            one, current_a=data.draw(st.sampled_from([0.0, 10.0])), max_starts=data.draw(st.none() | st.integers(0, 2))
        )
        one = replace(one, max_rise_a_per_min=data.draw(st.none() | st.floats(0.1, 2.0)))
        needs.append(replace(one, setpoints_a=data.draw(st.sampled_from([(), (0.0, 6.0, 8.0, 13.0, 16.0)]))))
    price = tuple(data.draw(st.sampled_from([0.1, 0.3])) for _ in range(8))
    asked = request(*needs, count=8, minutes=15, price=price, feeders=(feeder(8, limit_a=data.draw(st.floats(0, 60))),))
    made = plan(replace(asked, time_limit_s=0.3))
    assert exceeded_limits(asked, made) == []
    assert made.bound is None or made.objective is None or made.bound <= made.objective
    for one, session in zip(needs, made.sessions, strict=True):
        series = (one.current_a, *session.current_a)
        assert all(a in (*one.setpoints_a, 0.0) for a in session.current_a if one.setpoints_a)
        if one.max_starts is not None:
            assert sum(now > 0 >= before for before, now in pairwise(series)) <= one.max_starts
        if one.max_rise_a_per_min is not None:
            rise_a = 15 * one.max_rise_a_per_min
            assert all(
                now <= (before + rise_a if before else max(6.0, rise_a)) + 1e-6 for before, now in pairwise(series)
            )
