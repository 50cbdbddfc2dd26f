"""Covers: what a limit leaves below one more minimum is nobody's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.units import Phase
from optimizer import plan
from optimizer.model.formulation import formulate
from optimizer.planner import in_canonical_order
from optimizer.problem.horizon import horizon
from optimizer.search.certify import ROW_TOLERANCE, lower_bound
from optimizer.search.completion import at_rest
from optimizer.search.covers import broken_covers, with_covers
from optimizer.search.rules import rule_setpoints_kw
from optimizer.search.solve import Solver
from tests.benchmarks.sites import made_up_request
from tests.optimizer.requests import feeder, need, request

BIG_AND_SMALL = request(
    need("big", 20.0, hours=1.0, phases=(Phase.L1,), max_current_a=32.0),
    need("small", 20.0, hours=1.0, phases=(Phase.L1,), max_current_a=16.0),
    feeders=(feeder(1, limit_a=34.0),),
    count=1,
)
"""Two amperes are left beside 32 A, which are no use to anybody."""


def test_what_is_left_below_the_minimum_counts_for_nobody():
    problem = horizon(in_canonical_order(BIG_AND_SMALL))
    program = formulate(problem)
    solver = Solver(program, problem)
    relaxation = solver.relax()
    loose, tighter = lower_bound(program, relaxation.duals), with_covers(program, problem, relaxation.values)
    assert tighter is not None
    solver.extend(tighter, relaxation.basis)
    bound = lower_bound(tighter, solver.relax().duals)
    best = plan(replace(BIG_AND_SMALL, time_limit_s=30.0, gap_target=1e-5)).objective
    assert loose < bound <= best + 1e-6
    assert best == pytest.approx(bound, rel=1e-4)


def test_where_nobody_lies_below_the_minimum_there_is_nothing_to_add():
    problem = horizon(in_canonical_order(BIG_AND_SMALL))
    program = formulate(problem)
    assert with_covers(program, problem, np.zeros(len(program.cost))) is None


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 10), st.booleans(), st.integers(1, 10_000))
def test_no_plan_is_cut_off(connectors: int, scarce: bool, seed: int):
    asked = made_up_request(connectors, steps=24, step_min=60, scarce=scarce, seed=seed)
    problem = horizon(in_canonical_order(asked))
    program = formulate(problem)
    random = np.random.default_rng(seed)
    anywhere = random.choice([0.0, 0.1, 1.0], len(program.cost)) * program.upper
    made = at_rest(program, problem, rule_setpoints_kw(problem)).values
    covers = broken_covers(program, problem, anywhere)
    assert np.all(covers.rows @ made <= covers.most + ROW_TOLERANCE)
