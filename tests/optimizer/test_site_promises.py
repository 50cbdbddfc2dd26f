"""What holds for every site with batteries and vehicles that give energy back, on random ones."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.need import VehicleBattery, VehicleToGrid
from cpms.domain.plan import ChargingNeed, PlanRequest
from cpms.domain.storage import Battery
from optimizer import plan
from tests.optimizer.oracle import assert_certified, energy_kwh, exceeded_limits, held_kwh
from tests.optimizer.test_promises import few, numbers, phases, sites

efficiencies = st.sampled_from([0.8, 0.95, 1.0])


@st.composite
def batteries(draw: st.DrawFn, name: str) -> Battery:
    capacity_kwh = draw(numbers(1, 20))
    return Battery(
        battery_id=name,
        feeder_id=draw(st.sampled_from(["root", "left", "right"])),
        capacity_kwh=capacity_kwh,
        stored_kwh=draw(numbers(0, 1)) * capacity_kwh,
        max_charge_kw=draw(numbers(0, 20)),
        max_discharge_kw=draw(numbers(0, 20)),
        charge_efficiency=draw(efficiencies),
        discharge_efficiency=draw(efficiencies),
        wear_per_kwh=draw(st.sampled_from([0.0, 0.05])),
        reserve_kwh=draw(numbers(0, 1)) * capacity_kwh,
        phases=draw(phases),
    )


@st.composite
def givers(draw: st.DrawFn, one: ChargingNeed) -> ChargingNeed:
    capacity_kwh = draw(numbers(5, 30))
    floor_kwh = draw(numbers(0, 1)) * capacity_kwh
    return replace(
        one,
        battery=VehicleBattery(capacity_kwh, draw(numbers(0, 1))),
        v2g=VehicleToGrid(floor_kwh, draw(st.sampled_from([10.0, 16.0])), efficiency=draw(st.sampled_from([0.7, 1.0]))),
    )


@st.composite
def giving_sites(draw: st.DrawFn) -> PlanRequest:
    """Sites on which about half the vehicles may give energy back."""
    asked = draw(sites())
    return replace(asked, needs=tuple(draw(st.just(one) | givers(one)) for one in asked.needs))


@st.composite
def battery_sites(draw: st.DrawFn) -> PlanRequest:
    return replace(draw(sites()), batteries=tuple(draw(batteries(f"b{i}")) for i in range(draw(st.integers(1, 2)))))


@given(battery_sites())
@few
def test_with_batteries_no_limit_is_exceeded_at_any_phase_and_step(asked: PlanRequest):
    assert exceeded_limits(asked, plan(asked)) == []


@given(battery_sites())
@few
def test_what_goes_into_a_battery_less_losses_is_stored_or_comes_out(asked: PlanRequest):
    for battery, made in zip(asked.batteries, plan(asked).batteries, strict=True):
        stored_kwh = battery.stored_kwh
        for step, power_kw, after_kwh in zip(asked.steps, made.power_kw, made.stored_kwh, strict=True):
            efficiency = battery.charge_efficiency if power_kw > 0 else 1 / battery.discharge_efficiency
            stored_kwh += step.duration_h * efficiency * power_kw
            assert after_kwh == pytest.approx(stored_kwh, abs=1e-5)
            assert -battery.max_discharge_kw - 1e-6 <= power_kw <= battery.max_charge_kw + 1e-6
            assert min(battery.reserve_kwh, battery.stored_kwh) - 1e-6 <= after_kwh <= battery.capacity_kwh + 1e-6


@given(battery_sites())
@few
def test_with_batteries_energy_and_shortfall_make_up_the_need(asked: PlanRequest):
    for one, session in zip(asked.needs, plan(asked).sessions, strict=True):
        delivered_kwh = energy_kwh(asked, one, session)
        assert delivered_kwh + session.shortfall_kwh == pytest.approx(one.energy_kwh, abs=1e-5)


@given(battery_sites())
@few
def test_with_batteries_the_bound_is_below_the_value(asked: PlanRequest):
    assert_certified(plan(asked))


@given(battery_sites())
@few
def test_a_battery_never_costs_anything(asked: PlanRequest):
    idle = tuple(replace(one, max_charge_kw=0.0, max_discharge_kw=1e-3) for one in asked.batteries)
    made, without = plan(asked), plan(replace(asked, batteries=idle))
    assert made.bound is not None
    assert without.objective is not None
    assert made.bound <= without.objective + 1e-6


@given(battery_sites(), st.randoms(use_true_random=False))
@few
def test_the_order_of_batteries_does_not_matter(asked: PlanRequest, rng: random.Random):
    shuffled = list(asked.batteries)
    rng.shuffle(shuffled)
    one, other = plan(asked), plan(replace(asked, batteries=tuple(shuffled)))
    assert [battery.battery_id for battery in other.batteries] == [battery.battery_id for battery in shuffled]
    assert one.bound is not None
    assert other.objective is not None
    assert one.bound <= other.objective + 1e-6


@given(giving_sites())
@few
def test_with_vehicles_that_give_no_limit_is_exceeded_and_the_bound_holds(asked: PlanRequest):
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    assert_certified(made)


@given(giving_sites())
@few
def test_no_vehicle_gives_below_its_drivers_floor_or_while_it_charges(asked: PlanRequest):
    for one, session in zip(asked.needs, plan(asked).sessions, strict=True):
        if one.v2g is None or one.battery is None:
            continue
        floor_kwh = min(one.v2g.floor_kwh, one.battery.soc * one.battery.capacity_kwh)
        assert min(held_kwh(asked, one, session)) >= floor_kwh - 1e-5
        for taken_a, given_a in zip(session.current_a, session.discharge_a, strict=True):
            assert given_a == 0 or (taken_a == 0 and 6.0 - 1e-9 <= given_a <= one.v2g.max_discharge_a + 1e-9)
            assert abs(given_a / one.step_a - round(given_a / one.step_a)) < 1e-6


@given(giving_sites())
@few
def test_what_a_vehicle_gives_it_gets_again_or_is_short_of(asked: PlanRequest):
    for one, session in zip(asked.needs, plan(asked).sessions, strict=True):
        assert energy_kwh(asked, one, session) + session.shortfall_kwh >= one.energy_kwh - 1e-5
