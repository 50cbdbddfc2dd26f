"""Few starts and gentle rises in the relaxation: a tighter bound that every plan a station can be told keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.plan import ChargingNeed, PlanRequest
from optimizer import plan
from optimizer.model.formulation import formulate
from optimizer.planner import in_canonical_order
from optimizer.problem.horizon import Floats, Horizon, horizon
from optimizer.search.certify import keeps_rows
from optimizer.search.completion import at_rest
from optimizer.search.solve import Solver
from tests.optimizer.requests import feeder, need, request
from tests.optimizer.test_promises import many, numbers, sites
from tests.optimizer.test_switching import switchers


@st.composite
def steered(draw: st.DrawFn, one: ChargingNeed) -> ChargingNeed:
    return replace(
        one,
        step_a=1.0,
        setpoints_a=draw(st.sampled_from([(), (0.0, 6.0, 10.0, 16.0), (0.0, 8.0, 9.0)])),
        max_starts=draw(st.none() | st.integers(0, 2)),
        max_rise_a_per_min=draw(st.none() | numbers(0.05, 1)),
        frozen_a=draw(st.sampled_from([(), (0.0,), (9.0, 10.0)])),
        current_a=draw(st.sampled_from([0.0, 8.0])),
    )


@st.composite
def steered_sites(draw: st.DrawFn) -> PlanRequest:
    """Stations that are particular in time, about half of them switch phases."""
    asked = draw(sites())
    return replace(asked, needs=tuple(draw(steered(draw(st.just(one) | switchers(one)))) for one in asked.needs))


def as_told(problem: Horizon, wanted_kw: list[float]) -> Floats:
    """Setpoints per slot that stations can be told, near what is wanted, on one set of phases at a time; limits are not looked at."""
    slots, told_kw = problem.slots, np.resize(wanted_kw, len(problem.slots.need))
    told_kw = np.where(slots.single == problem.courses(told_kw)[slots.need, slots.step], told_kw, 0.0)
    for n, conduct in enumerate(problem.conduct):
        mine = slots.of(n)
        told_kw[mine] = conduct.obeyed(conduct.grid.down(told_kw[mine]))
    return told_kw


@given(steered_sites(), st.lists(numbers(0, 25), min_size=1, max_size=40))
@many
def test_whatever_stations_can_be_told_keeps_every_row(asked: PlanRequest, wanted_kw: list[float]):
    problem = horizon(in_canonical_order(asked))
    program = formulate(problem)
    unlimited = program.row_upper.copy()
    unlimited[program.rows.get("limit", slice(0, 0))] = np.inf
    values = at_rest(program, problem, as_told(problem, wanted_kw)).values
    assert keeps_rows(replace(program, row_upper=unlimited), values)


def test_who_may_start_once_and_rise_by_two_amperes_an_hour_is_known_to_miss_its_need():
    gentle = replace(need(energy_kwh=30.0), max_starts=1, max_rise_a_per_min=2.0 / 60.0)
    made = plan(request(gentle, gap_target=1e-6))
    assert made.sessions[0].current_a == (6.0, 8.0, 10.0, 12.0)
    assert made.sessions[0].shortfall_kwh == pytest.approx(30.0 - 36 * 0.69)
    assert made.gap == pytest.approx(0.0, abs=1e-6)


def test_the_relaxation_knows_that_a_list_of_setpoints_may_have_a_step_too_high():
    stuck = replace(need(step_a=1.0), setpoints_a=(0.0, 6.0, 8.0, 16.0), max_rise_a_per_min=2.0 / 60.0)
    problem = horizon(request(stuck, feeders=(feeder(4),)))
    highest_kw = problem.conduct[0].highest_kw()
    assert highest_kw == pytest.approx(np.array([6.0, 8.0, 8.0, 8.0]) * 0.69)


def test_a_start_less_costs_more_in_the_relaxation_where_it_cannot_be_halved():
    asked = request(need(energy_kwh=20.0), price=(0.1, 0.5, 0.1, 0.5))
    costs = [_relaxed_cost(replace(asked, needs=(replace(asked.needs[0], max_starts=n),))) for n in (2, 1, 0)]
    assert costs[0] < costs[1] - 0.05 < costs[2] - 0.1


def _relaxed_cost(asked: PlanRequest) -> float:
    problem = horizon(asked)
    solver = Solver(formulate(problem), problem)
    solver.relax()
    return solver.objective


def test_who_goes_on_from_less_than_its_minimum_and_may_hardly_rise_gets_nothing():
    one = replace(need(hours=0.5), current_a=3.0, max_rise_a_per_min=0.01)
    made = plan(request(one, count=1, minutes=15))
    assert made.sessions[0].current_a == (0.0,)
