"""Diving: nobody is left between off and the minimum, and no row is broken on the way."""

from __future__ import annotations

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
