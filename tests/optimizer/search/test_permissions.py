"""Permissions beside draws: a tighter bound that every plan still keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.plan import PlanRequest
from cpms.domain.units import Phase
from optimizer import plan
from optimizer.model.formulation import formulate
from optimizer.planner import in_canonical_order
from optimizer.problem.horizon import horizon
from optimizer.search.certify import keeps_rows
from optimizer.search.completion import at_rest
from optimizer.search.permissions import most_drawn_kw, permitted_kw, with_permissions, with_permits
from optimizer.search.rules import rule_setpoints_kw
from optimizer.search.solve import Solver
from tests.benchmarks.sites import made_up_request
from tests.optimizer.requests import feeder, need, request


def relaxed_cost(asked: PlanRequest, tighter: bool) -> float:
    problem = horizon(asked)
    program = formulate(problem)
    solver = Solver(with_permissions(program, problem) if tighter else program, problem)
    solver.relax()
    return solver.objective


LITTLE = request(
    need("little", 0.5, hours=1.0),
    need("much", 20.0, hours=1.0, phases=(Phase.L1,)),
    feeders=(feeder(1, limit_a=16.0),),
    count=1,
)


def test_who_needs_less_than_the_minimum_takes_up_the_minimum_under_a_limit():
    assert relaxed_cost(LITTLE, tighter=True) > relaxed_cost(LITTLE, tighter=False) + 0.05


def test_a_plan_for_them_is_certified_to_be_the_best():
    made = plan(replace(LITTLE, time_limit_s=30.0, gap_target=1e-4))
    assert made.gap == pytest.approx(0.0, abs=1e-4)


LISTS = ((), (0.0, 6.0, 10.0, 16.0, 20.0, 32.0), (0.0, 7.0, 16.0))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(1, 10), st.booleans(), st.integers(1, 10_000), st.sampled_from(LISTS))
def test_a_plan_keeps_every_row_with_what_it_draws_and_permits(
    connectors: int, scarce: bool, seed: int, setpoints_a: tuple[float, ...]
):
    asked = made_up_request(connectors, steps=24, step_min=60, scarce=scarce, seed=seed, step_a=1.0)
    needs = tuple(replace(one, setpoints_a=setpoints_a if n % 3 else ()) for n, one in enumerate(asked.needs))
    problem = horizon(in_canonical_order(replace(asked, needs=needs)))
    program = formulate(problem)
    tighter, setpoint_kw = with_permissions(program, problem), rule_setpoints_kw(problem)
    values = at_rest(program, problem, setpoint_kw).values
    drawn_kw = values[program.columns["power"]]
    whole = with_permits(tighter, values, setpoint_kw)
    assert keeps_rows(tighter, whole)
    assert np.all(whole <= tighter.upper + 1e-6)
    assert np.all(drawn_kw <= most_drawn_kw(problem) + 1e-6)
    assert permitted_kw(tighter, whole) == pytest.approx(np.where(drawn_kw > 0, setpoint_kw, 0))
    assert tighter.cost @ whole == pytest.approx(program.cost @ values)


def test_a_vehicle_draws_all_it_is_permitted_but_where_its_need_is_met():
    asked = request(need(energy_kwh=9.0, hours=2.0), count=2)
    problem = horizon(asked)
    program = formulate(problem)
    tighter = with_permissions(program, problem)

    def keeps(drawn_kw: list[float], permitted_kw: list[float]) -> bool:
        values = at_rest(program, problem, np.array(drawn_kw)).values
        return keeps_rows(tighter, with_permits(tighter, values, np.array(permitted_kw)))

    assert keeps([5.0, 4.0], [5.0, 4.14])
    assert not keeps([4.0, 5.0], [4.14, 5.0])
    assert not keeps([5.0, 3.0], [5.0, 4.14])


def test_on_a_list_of_setpoints_what_is_permitted_is_one_of_them_and_what_is_drawn_is_all_but_the_rest_of_the_need():
    asked = request(replace(need(energy_kwh=9.0, hours=2.0, step_a=1.0), setpoints_a=(0.0, 6.0, 16.0)), count=2)
    problem = horizon(asked)
    program = formulate(problem)
    tighter = with_permissions(program, problem)

    def keeps(drawn_a: list[float], permitted_a: list[float]) -> bool:
        drawn_kw, permitted_kw = np.array(drawn_a) * 0.69, np.array(permitted_a) * 0.69
        values = at_rest(program, problem, drawn_kw).values
        return keeps_rows(tighter, with_permits(tighter, values, permitted_kw))

    rest_a = 9.0 / 0.69 - 6.0
    assert keeps([6.0, rest_a], [6.0, 16.0])
    assert not keeps([6.0, rest_a], [6.0, rest_a])
    assert not keeps([rest_a, 6.0], [16.0, 6.0])
    assert not keeps([7.0, rest_a], [7.0, 16.0])


def test_few_setpoints_under_a_fuse_are_certified_to_the_best_there_is():
    cars = [replace(need(name, 30.0, step_a=1.0), setpoints_a=(0.0, 9.0, 16.0)) for name in ("a", "b")]
    made = plan(replace(request(*cars, feeders=(feeder(4, limit_a=24.0),), gap_target=1e-4), time_limit_s=30.0))
    assert sum(session.shortfall_kwh for session in made.sessions) == pytest.approx(60.0 - 4 * 18 * 0.69, abs=1e-6)
    assert made.gap == pytest.approx(0.0, abs=1e-4)


def test_a_fuse_is_not_filled_by_what_no_setpoints_add_up_to():
    def cost(limit_a: float) -> float:
        cars = [replace(need(name, 30.0, step_a=1.0), setpoints_a=(0.0, 8.0, 16.0)) for name in ("a", "b", "c")]
        return relaxed_cost(request(*cars, feeders=(feeder(4, limit_a=limit_a),)), tighter=True)

    assert cost(23.0) == pytest.approx(cost(16.0))
    assert cost(24.0) < cost(23.0) - 1.0
