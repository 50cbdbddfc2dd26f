"""The bound holds whatever prices it is computed from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.model.formulation import formulate
from optimizer.planner import in_canonical_order
from optimizer.problem.horizon import horizon
from optimizer.search.certify import complete, cost_of_terms, lower_bound, relative_gap
from optimizer.search.setpoints import to_setpoints
from optimizer.search.solve import Solver
from tests.benchmarks.sites import made_up_request

PROBLEM = horizon(in_canonical_order(made_up_request(6, steps=16, scarce=True)))
PROGRAM = formulate(PROBLEM)
RELAXATION = Solver(PROGRAM, PROBLEM).relax()
BEST = float(PROGRAM.cost @ RELAXATION.values)


def test_the_bound_of_the_optimal_prices_is_the_relaxations_value():
    assert lower_bound(PROGRAM, RELAXATION.duals) == pytest.approx(BEST)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.floats(0.001, 100))
def test_no_prices_lift_the_bound_above_the_best(seed: int, size: float):
    wrong = RELAXATION.duals + size * np.random.default_rng(seed).standard_normal(len(RELAXATION.duals))
    assert lower_bound(PROGRAM, wrong) <= BEST + 1e-6


def test_completed_columns_satisfy_every_row():
    setpoint_kw = to_setpoints(PROBLEM, RELAXATION.values[PROGRAM.columns["power"]])
    over_kwh = np.maximum(PROBLEM.energy_kwh(setpoint_kw) - PROBLEM.need_kwh, 0.0)
    assert over_kwh.max() < 0.02  # less than one setpoint of 0.1 A for a quarter of an hour
    from_rows = PROGRAM.matrix @ complete(PROGRAM, PROBLEM, setpoint_kw)
    assert np.all(from_rows <= PROGRAM.row_upper + 1e-6)
    assert np.all(from_rows >= PROGRAM.row_lower - 1e-6)


def test_terms_add_up_to_the_cost_of_the_columns():
    values = complete(PROGRAM, PROBLEM, np.zeros(len(PROBLEM.slots.need)))
    assert cost_of_terms(PROGRAM, values).sum() == pytest.approx(PROGRAM.cost @ values)


def test_the_gap_of_a_cost_near_nothing_is_counted_in_money():
    assert relative_gap(0.001, 0.0) == 0.001
    assert relative_gap(200.0, 199.0) == pytest.approx(0.005)
    assert relative_gap(-200.0, -201.0) == pytest.approx(0.005)
    assert relative_gap(1.0, 2.0) == 0.0
