"""Levelling: a lower peak for the same energy, within every limit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.plan import DemandPrice, PlanRequest
from cpms.domain.units import Phase
from optimizer.problem.horizon import Floats, Horizon, horizon
from optimizer.search.background import bare
from optimizer.search.following import expected_kw
from optimizer.search.levelling import levelled
from optimizer.search.rules import rule_setpoints_kw
from tests.benchmarks.sites import made_up_request
from tests.optimizer.requests import need, request

PAID = (DemandPrice(10.0, 0.0, (True,) * 4, 3600),)


def peak_kw(problem: Horizon, setpoint_kw: Floats) -> float:
    return float((problem.base_kw + problem.total_kw(expected_kw(problem, setpoint_kw))).max())


def level(problem: Horizon, setpoint_kw: Floats) -> Floats:
    return levelled(problem, setpoint_kw, bare(problem))


def set_to(problem: Horizon, *current_a: float) -> Floats:
    return np.array(current_a) * problem.slots.quantum_kw


def test_one_session_is_spread_evenly():
    problem = horizon(request(need("a", 27.6, step_a=1.0), demand=PAID))
    assert level(problem, set_to(problem, 14.0, 12.0, 8.0, 6.0)) == pytest.approx(set_to(problem, 10, 10, 10, 10))


def test_a_step_that_is_as_high_passes_on_what_it_takes():
    early, late = need("a", 13.8, hours=2.0, step_a=1.0), need("b", 13.8, arrives_h=1.0, hours=3.0, step_a=1.0)
    problem = horizon(request(early, late, count=3, demand=(DemandPrice(10.0, 0.0, (True,) * 3, 3600),)))
    before = set_to(problem, 14.0, 6.0, 8.0, 12.0)
    assert peak_kw(problem, level(problem, before)) <= peak_kw(problem, before)


def test_a_step_does_not_pass_on_less_than_it_takes_where_that_made_it_the_highest():
    three = need("a", 17.25, hours=2.0, step_a=1.0)
    one = need("b", 2.99, arrives_h=1.0, hours=3.0, step_a=1.0, phases=(Phase.L1,))
    demand = (DemandPrice(10.0, 0.0, (True,) * 3, 3600),)
    problem = horizon(request(three, one, count=3, demand=demand, other_load_kw=(0.0, 0.23, 0.0)))
    before = set_to(problem, 14.0, 11.0, 7.0, 6.0)
    assert level(problem, before).tolist() == before.tolist()


def test_nothing_moves_where_no_peak_is_paid_for():
    problem = horizon(request(need("a", 27.6, step_a=1.0)))
    before = set_to(problem, 14.0, 12.0, 8.0, 6.0)
    assert level(problem, before).tolist() == before.tolist()


def test_a_peak_that_is_paid_already_is_left_alone():
    problem = horizon(request(need("a", 27.6, step_a=1.0), demand=(replace(PAID[0], peak_so_far_kw=50.0),)))
    before = set_to(problem, 14.0, 12.0, 8.0, 6.0)
    assert level(problem, before).tolist() == before.tolist()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(1, 10), st.booleans(), st.sampled_from([0.1, 1.0]), st.integers(1, 10_000))
def test_the_peak_is_never_higher_and_everybody_gets_the_same_within_every_limit(
    connectors: int, scarce: bool, step_a: float, seed: int
):
    asked: PlanRequest = made_up_request(connectors, steps=24, step_min=60, scarce=scarce, seed=seed, step_a=step_a)
    problem = horizon(asked)
    before = rule_setpoints_kw(problem)
    after = level(problem, before)
    slots = problem.slots
    assert peak_kw(problem, after) <= peak_kw(problem, before) + 1e-9
    assert problem.energy_kwh(after) == pytest.approx(problem.energy_kwh(before))
    assert np.all(problem.limits.share @ problem.at_points(after) <= problem.limits.headroom_kw + 1e-6)
    assert np.all((after == 0) == (before == 0))
    assert np.all((after == 0) | ((after >= slots.least_kw - 1e-9) & (after <= slots.most_kw + 1e-9)))
