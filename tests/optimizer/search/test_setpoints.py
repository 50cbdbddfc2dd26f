"""Rounding keeps limits and gives back what it took."""

from __future__ import annotations

import numpy as np
import pytest

from cpms.domain.plan import DemandPrice
from optimizer.problem.horizon import horizon
from optimizer.search.following import expected_kw
from optimizer.search.rules import rule_setpoints_kw
from optimizer.search.setpoints import to_setpoints
from tests.optimizer.requests import feeder, need, request


def test_power_between_two_setpoints_is_floored_and_topped_up_elsewhere():
    problem = horizon(request(need(energy_kwh=10.0, step_a=1.0)))
    setpoint_kw = to_setpoints(problem, np.array([5.0, 5.0, 0.0, 0.0]))
    assert np.all(np.abs(setpoint_kw / 0.69 - np.rint(setpoint_kw / 0.69)) < 1e-9)
    assert problem.energy_kwh(expected_kw(problem, setpoint_kw)) == pytest.approx([10.0])


def test_power_below_the_minimum_becomes_off_and_its_energy_moves():
    problem = horizon(request(need(energy_kwh=8.0)))
    setpoint_kw = to_setpoints(problem, np.array([2.0, 2.0, 2.0, 2.0]))
    assert all(p == 0 or p >= 4.14 - 1e-9 for p in setpoint_kw)
    assert problem.energy_kwh(setpoint_kw) >= 8.0


def test_topping_up_stays_below_the_paid_peak_where_it_can():
    paid = DemandPrice(10.0, 6.0, (True,) * 4, window_s=3600)
    problem = horizon(request(need(energy_kwh=18.0, step_a=1.0), demand=(paid,)))
    assert rule_setpoints_kw(problem).max() <= 6.0


def test_above_the_paid_peak_the_rest_is_spread():
    paid = DemandPrice(10.0, 5.0, (True,) * 4, window_s=3600)
    problem = horizon(request(need(energy_kwh=32.0), demand=(paid,)))
    assert rule_setpoints_kw(problem).max() == pytest.approx(8.0, abs=0.2)


def test_by_rule_higher_priority_comes_first_and_limits_hold():
    problem = horizon(request(need("a", 20), need("b", 20, priority=1), feeders=(feeder(4, import_kw=7.0),)))
    setpoint_kw = rule_setpoints_kw(problem)
    assert problem.energy_kwh(setpoint_kw)[1] == pytest.approx(20.0, abs=0.07)
    assert problem.total_kw(setpoint_kw).max() <= 7.0


def test_the_vehicle_draws_its_setpoint_until_the_need_is_met():
    problem = horizon(request(need(energy_kwh=10.0)))
    assert expected_kw(problem, np.array([0.0, 6.0, 6.0, 0.0])) == pytest.approx([0.0, 6.0, 4.0, 0.0])


def test_what_a_vehicle_is_permitted_but_will_not_draw_is_no_peak_that_is_paid():
    nearly_met, lacking = need("a", energy_kwh=5.0), need("b", energy_kwh=9.0, step_a=0.01)
    problem = horizon(request(nearly_met, lacking, demand=(DemandPrice(10.0, 5.0, (True,) * 4, window_s=3600),)))
    setpoint_kw = to_setpoints(problem, np.array([4.2, 0.8, 0.0, 0.0, 0.0, 4.14, 0.0, 0.0]))
    drawn_kw = expected_kw(problem, setpoint_kw)
    assert problem.energy_kwh(drawn_kw) == pytest.approx([5.0, 9.0], abs=0.01)
    assert problem.total_kw(drawn_kw).max() <= 5.0 + 1e-6


def test_room_that_is_scarce_goes_to_who_draws_all_of_it_before_who_lacks_less_than_a_setpoint():
    nearly_met, lacking = need("a", 4.3, hours=1.0, step_a=1.0), need("b", 10.0, hours=1.0, step_a=1.0)
    problem = horizon(request(nearly_met, lacking, feeders=(feeder(4, import_kw=14 * 0.69),)))
    setpoint_kw = to_setpoints(problem, np.array([4.3, 5.0]))
    assert expected_kw(problem, setpoint_kw) == pytest.approx([6 * 0.69, 8 * 0.69])


def test_what_is_missing_is_drawn_last_where_a_whole_setpoint_would_raise_the_peak():
    needs = need("a", 8.51, hours=2.0, step_a=1.0), need("b", 8.28, hours=2.0, step_a=1.0)
    problem = horizon(request(*needs, demand=(DemandPrice(10.0, 8.6, (True,) * 4, window_s=3600),)))
    setpoint_kw = to_setpoints(problem, np.array([4.14, 4.37, 4.14, 4.14]))
    drawn_kw = expected_kw(problem, setpoint_kw)
    assert problem.energy_kwh(drawn_kw) == pytest.approx([8.51, 8.28])
    assert problem.total_kw(drawn_kw).max() <= 8.6


def test_nobody_of_lower_priority_takes_the_room_that_a_higher_one_needs_a_part_of():
    problem = horizon(request(need("a", 20), need("b", 20, priority=1), feeders=(feeder(4, import_kw=6.0),)))
    setpoint_kw = rule_setpoints_kw(problem)
    assert problem.energy_kwh(expected_kw(problem, setpoint_kw)) == pytest.approx([0.0, 20.0])
