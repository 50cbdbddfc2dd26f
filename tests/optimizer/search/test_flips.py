"""Turning decisions of a dive round: never worse, never outside what setpoints may be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cpms.domain.plan import PlanRequest
from optimizer.model.formulation import formulate
from optimizer.problem.horizon import horizon
from optimizer.search.certify import keeps_rows
from optimizer.search.dive import Dived, dive
from optimizer.search.flips import flipped
from optimizer.search.narrowing import Narrowing
from optimizer.search.solve import Solver
from tests.benchmarks.sites import made_up_request

SITES = [made_up_request(20, scarce=scarce, seed=seed) for scarce in (False, True) for seed in (1, 3)]


def dived_and_flipped(asked: PlanRequest, enough: float = -np.inf) -> tuple[Solver, Dived, Dived]:
    problem = horizon(replace(asked, time_limit_s=60.0))
    solver = Solver(formulate(problem), problem)
    first = dive(solver, problem, solver.relax())
    return solver, first, flipped(solver, first, lambda cost: cost <= enough)


@pytest.mark.parametrize("asked", SITES)
def test_what_is_found_is_never_worse_and_leaves_nobody_undecided(asked: PlanRequest):
    solver, first, best = dived_and_flipped(asked)
    program, values = solver.program, best.vertex.values
    assert best.vertex.objective <= first.vertex.objective
    assert keeps_rows(program, values)
    assert not len(Narrowing(program, horizon(asked), values).undecided(values))


def test_a_dive_that_serves_too_few_is_put_right():
    _, first, best = dived_and_flipped(made_up_request(20, seed=3))
    assert best.vertex.objective < 0.9 * first.vertex.objective


def test_what_is_enough_is_left_as_it_is():
    _, first, best = dived_and_flipped(SITES[0], enough=np.inf)
    assert best is first


def test_a_decision_turned_round_twice_leaves_every_row_what_it_left():
    asked = SITES[-1]
    problem = horizon(asked)
    program = formulate(problem)
    state = dive(solver := Solver(program, problem), problem, solver.relax()).state
    turned = state.copy()
    decided = np.flatnonzero(state.regret(np.ones(len(program.cost))))
    for column in [*decided, *decided[::-1]]:
        turned.flip(int(column))
    again = np.flatnonzero((turned.lower != state.lower) | (turned.upper != state.upper))
    assert len(decided) > 10
    assert len(again) < len(decided)
    expected = program.row_upper - program.matrix.maximum(0) @ turned.lower - program.matrix.minimum(0) @ turned.upper
    assert turned.left == pytest.approx(expected)
