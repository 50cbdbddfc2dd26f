"""Stages of a stay: targets, a minimum at once, and sessions of which only chances are known."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.need import EnergyTarget, LikelyStay, VehicleBattery, VehicleToGrid, likely_stays
from cpms.domain.plan import ChargingNeed, PlanRequest
from cpms.domain.units import Phase
from optimizer import plan
from optimizer.problem.horizon import horizon
from tests.optimizer.oracle import energy_kwh, exceeded_limits, hours_of, money, setpoint_kw
from tests.optimizer.requests import NOW, feeder, need, request

DEAR_FIRST = (0.5, 0.4, 0.1, 0.1)


def at(hours: float):
    return NOW + timedelta(hours=hours)


def uncertain(name: str, *stays: tuple[float, float, float], **options: object) -> ChargingNeed:
    """A need of (energy [kWh], departure [h], chance) each."""
    most = need(name, max(s[0] for s in stays), max(s[1] for s in stays), **options)  # type: ignore[arg-type]  # as of `need`
    return replace(most, likely=tuple(LikelyStay(kwh, at(hours), chance) for kwh, hours, chance in stays))


def test_a_target_on_the_way_is_met_in_time_and_the_rest_where_it_is_cheap():
    staged = replace(need(energy_kwh=12.0), targets=(EnergyTarget(4.5, at(1)),))
    made = plan(request(staged, price=DEAR_FIRST))
    assert made.sessions[0].power_kw[:2] == pytest.approx((4.5, 0.0), abs=0.07)
    assert made.sessions[0].late_kwh == pytest.approx((0.0,), abs=0.02)
    assert made.sessions[0].shortfall_kwh == 0.0


def test_what_a_target_lacks_is_named_and_priced():
    staged = replace(need(energy_kwh=12.0), targets=(EnergyTarget(12.0, at(1)), EnergyTarget(1.0, at(2))))
    made = plan(request(staged, price=DEAR_FIRST, feeders=(feeder(4, limit_a=10.0),)))
    assert made.sessions[0].late_kwh == pytest.approx((12 - 6.9, 0.0))
    assert made.cost_by_term["late"] == pytest.approx((12 - 6.9) * 2 * 0.5)


def test_a_target_may_have_a_price_of_its_own():
    staged = replace(need(energy_kwh=12.0), targets=(EnergyTarget(12.0, at(2), price_per_kwh=0.25),))
    assert plan(request(staged, price=DEAR_FIRST)).cost_by_term["late"] == pytest.approx(12.0 * 0.25, rel=0.01)
    staged = replace(staged, targets=(EnergyTarget(12.0, at(2), price_per_kwh=0.35),))
    assert plan(request(staged, price=DEAR_FIRST)).cost_by_term["late"] < 12.0 * 0.25


def test_a_target_within_a_step_counts_what_is_there_by_then():
    staged = replace(need(energy_kwh=18.0), targets=(EnergyTarget(5.0, at(0.5)),))
    assert plan(request(staged, price=DEAR_FIRST)).sessions[0].power_kw[0] == pytest.approx(10.0, abs=0.07)


def test_what_is_on_its_way_beyond_what_a_likely_stay_wants_may_be_given_back():
    sure = VehicleBattery(40.0, 0.5)
    car = replace(uncertain("a", (1.0, 3, 0.5), (8.0, 4, 0.5)), frozen_a=(10.0,), battery=sure)
    giver = replace(car, v2g=VehicleToGrid(10.0, 16.0))
    assert horizon(request(giver)).stages.energy_kwh == pytest.approx([1.0 - 6.9, 8.0 - 6.9])


def test_a_minimum_now_does_not_wait_for_a_better_price():
    urgent = replace(need(energy_kwh=12.0), minimum_now_kwh=5.0)
    made = plan(request(urgent, price=DEAR_FIRST))
    assert made.sessions[0].power_kw[0] == pytest.approx(5.0, abs=0.07)
    assert made.sessions[0].shortfall_kwh == 0.0


def test_the_expected_shortfall_is_the_sum_over_likely_stays():
    likely = uncertain("a", (8.0, 1.0, 0.25), (10.0, 4.0, 0.75))
    made = plan(request(likely, price=(0.5, 0.4, 0.1, 0.1)))
    by_departure = [min(made.sessions[0].power_kw[0], 8.0), sum(made.sessions[0].power_kw)]
    assert made.sessions[0].shortfall_kwh == pytest.approx(0.25 * (8 - by_departure[0]) + 0.75 * (10 - by_departure[1]))


def test_likely_stays_that_all_agree_are_a_certain_need():
    certain = plan(request(need(energy_kwh=10.0), price=DEAR_FIRST))
    agreed = replace(need(energy_kwh=10.0), likely=likely_stays([(10.0, at(4.0))] * 3))
    assert plan(request(agreed, price=DEAR_FIRST)).sessions[0].power_kw == pytest.approx(certain.sessions[0].power_kw)


def test_without_time_for_the_solver_uncertain_sessions_charge_too():
    asked = replace(request(uncertain("a", (8.0, 2.0, 0.5), (10.0, 4.0, 0.5))), time_limit_s=1e-9)
    assert energy_kwh(asked, asked.needs[0], plan(asked).sessions[0]) == pytest.approx(10.0)


def test_no_other_plan_on_the_grid_is_cheaper_in_expectation():
    choices_a = (0.0, 6.0, 8.0, 10.0)
    one = uncertain(
        "a", (3.2, 1.0, 0.3), (4.6, 3.0, 0.5), (6.9, 4.0, 0.2), max_current_a=10, step_a=2.0, phases=(Phase.L1,)
    )
    asked = request(one, price=(0.45, 0.4, 0.3, 0.1), gap_target=0.0)
    made = plan(asked)
    best = min(_expected_cost(asked, currents) for currents in itertools.product(choices_a, repeat=4))
    assert _expected_cost(asked, made.sessions[0].current_a) <= best + 0.01
    assert made.bound is not None
    assert made.bound <= best + 0.02  # the preference for early energy


def _expected_cost(asked: PlanRequest, currents_a: tuple[float, ...]) -> float:
    """Money for one uncertain session that takes what it wants while it is there; what it lacks at twice the dearest price."""
    one, cost = asked.needs[0], 0.0
    for stay in one.likely:
        left_kwh, powers = stay.energy_kwh, []
        here = replace(one, departs_at=stay.departs_at)
        for hours, current in zip(hours_of(asked, here), currents_a, strict=True):
            powers.append(min(setpoint_kw(asked, len(one.phases), current) * hours, left_kwh))
            left_kwh -= powers[-1]
        cost += stay.probability * (money(asked, [tuple(powers)]) + 2 * max(asked.import_price_per_kwh) * left_kwh)
    return cost


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.data())
def test_whatever_is_staged_limits_hold_and_the_bound_is_below_the_value(data: st.DataObject):
    kwh, hours = st.floats(0, 12), st.floats(0.1, 4)
    needs = [
        replace(
            uncertain(
                name,
                *[(data.draw(kwh), data.draw(hours), 0.5) for _ in range(2)],
                phases=data.draw(st.sampled_from([(Phase.L1,), tuple(Phase)])),
            ),
            targets=(EnergyTarget(data.draw(kwh), at(data.draw(hours))),),
            minimum_now_kwh=data.draw(kwh),
        )
        for name in ("a", "b", "c")
    ]
    asked = replace(request(*needs, feeders=(feeder(4, limit_a=data.draw(st.floats(0, 40))),)), time_limit_s=0.5)
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    assert made.bound is not None
    assert made.objective is not None
    assert made.bound <= made.objective
    assert sum(made.cost_by_term.values()) == pytest.approx(made.objective)
    for one, session in zip(asked.needs, made.sessions, strict=True):
        assert energy_kwh(asked, one, session) <= one.energy_kwh + 1e-6
