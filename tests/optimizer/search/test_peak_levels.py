"""Branching on the peak: coarse setpoints do not add up to every peak, and no plan is below the bound."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.plan import DemandPrice, PlanRequest
from cpms.domain.storage import Battery
from optimizer.model.formulation import formulate
from optimizer.planner import in_canonical_order
from optimizer.problem.horizon import Horizon, horizon
from optimizer.search.certify import lower_bound
from optimizer.search.completion import at_rest
from optimizer.search.peak_levels import PeakLevels
from optimizer.search.permissions import with_permissions
from optimizer.search.rules import rule_setpoints_kw, shared_setpoints_kw
from optimizer.search.solve import Solver
from tests.benchmarks.sites import made_up_request
from tests.optimizer.requests import need, request


def bounds(asked: PlanRequest) -> tuple[float, float, Horizon]:
    """The bound of the relaxation, that of branching on the peak, and what it is about."""
    problem = horizon(in_canonical_order(asked))
    program = formulate(problem)
    relaxation = Solver(program, problem).relax()
    levels = PeakLevels.of(with_permissions(program, problem), problem)
    assert levels is not None
    near_kw = float(relaxation.values[program.columns["highest"]][0])
    return lower_bound(program, relaxation.duals), levels.bound(near_kw, np.inf, time.monotonic() + 60.0), problem


@pytest.mark.parametrize("energy_kwh", [(11.0, 9.0), (12.42, 5.52), (7.0, 13.0)])
@pytest.mark.parametrize("other_kw", [0.3, 1.1])
def test_the_bound_lies_between_the_relaxation_and_the_best_there_is(energy_kwh: tuple[float, float], other_kw: float):
    needs = (need(f"n{n}", kwh, 3.0, max_current_a=10.0, step_a=2.0) for n, kwh in enumerate(energy_kwh))
    peak = DemandPrice(1.0, 0.5, (True,) * 3, 3600)
    asked = request(*needs, count=3, other_load_kw=(other_kw, 0.2, 0.6), demand=(peak,))
    relaxed, bound, problem = bounds(asked)
    program, levels_kw = formulate(problem), [0.0, 4.14, 5.52, 6.9]
    every = (np.array(row) for row in itertools.product(levels_kw, repeat=len(problem.slots.need)))
    best = min(at_rest(program, problem, row).cost for row in every)
    assert relaxed + 1e-3 < bound <= best + 1e-6


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(1, 6), st.booleans(), st.integers(1, 10_000), st.sampled_from([0.1, 1.0, 2.0]))
def test_no_plan_is_below_it(connectors: int, scarce: bool, seed: int, step_a: float):
    asked = made_up_request(connectors, steps=24, step_min=60, scarce=scarce, seed=seed, step_a=step_a)
    asked = replace(asked, demand=tuple(replace(one, window_s=3600) for one in asked.demand))
    _, bound, problem = bounds(asked)
    for setpoint_kw in (rule_setpoints_kw(problem), shared_setpoints_kw(problem)):
        assert bound <= at_rest(formulate(problem), problem, setpoint_kw).cost + 1e-6


def test_where_more_than_vehicles_moves_power_there_is_none():
    asked = replace(made_up_request(2, steps=24, step_min=60), batteries=(Battery("b", "root", 4.0, 2.0, 2.0, 2.0),))
    problem = horizon(asked)
    assert PeakLevels.of(with_permissions(formulate(problem), problem), problem) is None


def test_without_time_it_says_nothing():
    problem = horizon(in_canonical_order(made_up_request(2, steps=24)))
    levels = PeakLevels.of(with_permissions(formulate(problem), problem), problem)
    assert levels is not None
    assert levels.bound(5.0, np.inf, time.monotonic() - 1.0) == -np.inf
