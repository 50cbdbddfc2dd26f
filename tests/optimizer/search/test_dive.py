"""Diving: nobody is left between off and the minimum, and no row is broken on the way."""

from __future__ import annotations

import numpy as np
import pytest

from cpms.domain.plan import PlanRequest
from optimizer.model.formulation import formulate
from optimizer.problem.horizon import horizon
from optimizer.search.certify import keeps_rows
from optimizer.search.dive import dive
from optimizer.search.narrowing import Narrowing
from optimizer.search.solve import Solver
from tests.benchmarks.sites import made_up_request
from tests.optimizer.requests import feeder, need, request


def undecided_after_diving(asked: PlanRequest) -> int:
    problem = horizon(asked)
    program = formulate(problem)
    solver = Solver(program, problem)
    values = dive(solver, problem, solver.relax()).vertex.values
    assert keeps_rows(program, values)
    return len(Narrowing(program, problem, values).undecided(values))


@pytest.mark.parametrize("scarce", [False, True])
def test_whoever_was_undecided_is_off_or_at_least_at_the_minimum(scarce: bool):
    assert undecided_after_diving(made_up_request(30, steps=48, scarce=scarce)) == 0


def test_where_the_minimums_of_all_exceed_the_fuse_some_are_off():
    asked = request(*(need(f"n{i}", 40.0) for i in range(5)), feeders=(feeder(4, limit_a=16.0),))
    assert undecided_after_diving(asked) == 0


def test_nobody_to_charge_is_nothing_to_decide():
    assert undecided_after_diving(request(other_load_kw=(1.0,) * 4)) == 0


def undecided_at(asked: PlanRequest, power_kw: list[float]) -> list[int]:
    problem = horizon(asked)
    program = formulate(problem)
    values = np.zeros(len(program.cost))
    values[program.columns["power"]] = power_kw
    return Narrowing(program, problem, values).undecided(values).tolist()


def test_a_need_may_be_met_with_less_than_the_minimum_in_its_last_step():
    assert undecided_at(request(need(energy_kwh=12.0)), [11.0, 1.0, 0.0, 0.0]) == []
    assert undecided_at(request(need(energy_kwh=12.0)), [1.0, 11.0, 0.0, 0.0]) == [0]


def test_a_need_that_is_not_met_is_not_over_with_less_than_the_minimum():
    assert undecided_at(request(need(energy_kwh=13.0)), [11.0, 1.0, 0.0, 0.0]) == [1]


def test_who_stops_below_the_minimum_is_undecided_where_a_limit_does_not_admit_the_minimum_as_well():
    asked = request(need("a", 12.0), need("b", 20.0, hours=2.0), feeders=(feeder(4, limit_a=20.0),))
    assert undecided_at(asked, [11.0, 1.0, 0.0, 0.0, 0.0, 11.0]) == [1]
    assert undecided_at(asked, [11.0, 1.0, 0.0, 0.0, 0.0, 8.0]) == []
