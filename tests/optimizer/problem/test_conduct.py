"""Setpoints as stations and vehicles want them: levels, few starts, gentle rises."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer import plan
from optimizer.problem.conduct import Conduct, Grid, conduct_of, grid_of
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


def test_a_rise_is_counted_from_the_step_before_and_a_start_may_reach_the_minimum():
    gentle = Conduct(EVEN, before_kw=7.0, rise_kw=np.full(5, 2.0))
    assert gentle.obeyed(np.arange(5), np.array([16.0, 16.0, 0.0, 16.0, 16.0])) == pytest.approx([9, 11, 0, 6, 8])


def test_the_longest_runs_are_kept_and_what_goes_on_is_no_start():
    seldom = Conduct(EVEN, before_kw=6.0, max_starts=1)
    row = np.array([6.0, 0.0, 6.0, 0.0, 8.0, 8.0])
    assert seldom.obeyed(np.arange(6), row).tolist() == [6, 0, 0, 0, 8, 8]
    assert replace(seldom, before_kw=0.0).obeyed(np.arange(6), row).tolist() == [0, 0, 0, 0, 8, 8]
    assert replace(seldom, max_starts=0).obeyed(np.arange(6), row).tolist() == [6, 0, 0, 0, 0, 0]


def test_a_step_without_a_slot_is_off():
    seldom = Conduct(EVEN, max_starts=1, rise_kw=np.full(6, 1.0))
    assert seldom.obeyed(np.array([0, 1, 3]), np.array([6.0, 7.0, 8.0])).tolist() == [6, 7, 0]


def test_frozen_steps_come_before_the_first_that_is_free():
    asked = request(replace(need(), frozen_a=(10.0, 12.0), max_starts=0))
    conduct = conduct_of(asked, asked.needs[0])
    assert (conduct.first_step, conduct.before_kw) == (2, pytest.approx(12 * 0.69))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(0, 16), min_size=1, max_size=8),
    st.integers(0, 3),
    st.integers(1, 12),
    st.sampled_from([0.0, 8.0]),
)
def test_what_is_obeyed_once_stays_as_it_is_and_is_never_higher(row: list[int], starts: int, rise: int, before: float):
    conduct = Conduct(EVEN, before_kw=before, max_starts=starts, rise_kw=np.full(len(row), float(rise)))
    steps, wanted = np.arange(len(row)), EVEN.down(np.array(row, dtype=np.float64))
    once = conduct.obeyed(steps, wanted)
    assert np.all(once <= wanted + 1e-9)
    assert conduct.obeyed(steps, once) == pytest.approx(once)
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
