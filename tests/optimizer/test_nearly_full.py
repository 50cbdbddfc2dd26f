"""Vehicles that draw less than the lowest setpoint of their station, whatever they are told."""

from dataclasses import replace

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.need import PhaseSwitching, VehicleBattery
from cpms.domain.plan import PhasorLimit, PlanRequest
from cpms.domain.units import Phase
from optimizer import plan
from tests.optimizer.requests import feeder, need, request

DRAWS_KW = 3 * 0.23 * 2.0
NEARLY_FULL = replace(need("full", energy_kwh=2.0), draws_a=2.0)


def behind(limit_a: float, *needs, price: tuple[float, ...] | None = None) -> PlanRequest:
    return request(*needs, feeders=(feeder(4, limit_a=limit_a),), price=price)


def test_it_is_told_the_lowest_setpoint_and_planned_with_what_it_draws_of_that():
    (session,) = plan(behind(100.0, NEARLY_FULL, price=(0.1, 0.2, 0.3, 0.4))).sessions
    assert session.current_a == (6.0, 6.0, 0.0, 0.0)
    assert session.power_kw == pytest.approx((DRAWS_KW, 2.0 - DRAWS_KW, 0.0, 0.0))
    assert session.shortfall_kwh == 0.0


def test_what_it_lacks_at_what_it_draws_is_named():
    asked = replace(NEARLY_FULL, energy_kwh=10.0)
    (session,) = plan(behind(100.0, asked)).sessions
    assert session.shortfall_kwh == pytest.approx(10.0 - 4 * DRAWS_KW)


def test_limits_hold_all_that_it_is_told():
    made = plan(behind(11.0, NEARLY_FULL, need("b", energy_kwh=20.0)))
    told = [one.current_a for one in made.sessions]
    assert all(sum(at_once) <= 11.0 for at_once in zip(*told, strict=True))


def test_where_room_is_scarce_it_goes_to_who_draws_more_of_it():
    made = plan(behind(6.0, NEARLY_FULL, need("b", energy_kwh=20.0)))
    assert [max(one.current_a) for one in made.sessions] == [0.0, 6.0]


def test_vector_limits_hold_all_that_it_is_told():
    asked = replace(NEARLY_FULL, phases=(Phase.L1,))
    limit = PhasorLimit("line A", (5.9,) * 4, {asked.connector: 1 + 0j})
    assert plan(replace(behind(100.0, asked), phasor_limits=(limit,))).sessions[0].current_a == (0.0,) * 4


def test_what_is_on_its_way_takes_room_as_it_is_told_and_brings_what_it_draws():
    asked = replace(NEARLY_FULL, frozen_a=(6.0,), energy_kwh=DRAWS_KW)
    full, other = plan(behind(11.0, asked, need("b", energy_kwh=20.0))).sessions
    assert full.power_kw == pytest.approx((DRAWS_KW, 0.0, 0.0, 0.0))
    assert other.current_a[0] == 0.0


def test_of_a_list_of_setpoints_it_is_told_the_lowest():
    asked = replace(NEARLY_FULL, setpoints_a=(0.0, 8.0, 16.0), draws_a=7.0)
    assert set(plan(behind(100.0, asked)).sessions[0].current_a) <= {0.0, 8.0}


def test_a_plan_that_begins_at_an_earlier_one_is_the_same():
    asked = behind(20.0, NEARLY_FULL, need("b", energy_kwh=20.0), price=(0.4, 0.1, 0.2, 0.3))
    first = plan(asked)
    assert plan(asked, start=first).sessions == first.sessions


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (replace(NEARLY_FULL, draws_a=0.0), "draws_a"),
        (replace(NEARLY_FULL, draws_a=6.0), "lowest setpoint of 6 A"),
        (replace(NEARLY_FULL, battery=VehicleBattery(50.0, 0.9)), "besides battery"),
        (replace(NEARLY_FULL, switching=PhaseSwitching()), "besides switching"),
    ],
)
def test_what_says_nothing_is_refused(asked, problem):
    with pytest.raises(InvalidInput, match=problem):
        plan(behind(100.0, asked))
