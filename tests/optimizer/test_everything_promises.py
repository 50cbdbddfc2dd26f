"""What holds when all that a site can have comes together: batteries, vehicles that give, taper, switch phases, wake up once or both,
steps on their way, contracts, meters, uncertain load."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.need import AcceptancePoint, Fairness, LikelyStay, VehicleBattery
from cpms.domain.plan import ChargingNeed, PlanRequest, SessionPlan
from optimizer import plan
from optimizer.problem.acceptance import Acceptance
from tests.optimizer.model.topics.test_closed_forms import contracted
from tests.optimizer.oracle import (
    assert_certified,
    energy_kwh,
    exceeded_limits,
    held_kwh,
    hours_of,
    phases_of,
    rises_gently,
    setpoint_kw,
    starts,
    switches_in_time,
)
from tests.optimizer.test_promises import few, numbers, widened
from tests.optimizer.test_site_promises import batteries, givers
from tests.optimizer.test_switching import switchers


@st.composite
def tapering(draw: st.DrawFn, one: ChargingNeed) -> ChargingNeed:
    capacity_kwh, soc = draw(numbers(5, 30)), draw(numbers(0, 1))
    acceptance = (AcceptancePoint(0.5, draw(numbers(4, 12))), AcceptancePoint(1.0, draw(numbers(0, 4))))
    room_kwh = (1 - soc) * capacity_kwh
    battery = VehicleBattery(capacity_kwh, soc, acceptance)
    return replace(one, battery=battery, energy_kwh=min(one.energy_kwh, room_kwh))


@st.composite
def steered(draw: st.DrawFn, one: ChargingNeed) -> ChargingNeed:
    """On a station of few setpoints, rarely started, raised gently, or with a step on its way."""
    return replace(
        one,
        setpoints_a=draw(st.sampled_from([(), (0.0, 10.0), (0.0, 10.0, 15.0, 30.0)])),
        max_starts=draw(st.none() | st.integers(0, 2)),
        max_rise_a_per_min=draw(st.none() | numbers(0.1, 1)),
        frozen_a=draw(st.sampled_from([(), (0.0,), (10.0, 10.0)])),
        current_a=draw(st.sampled_from([0.0, 10.0])),
    )


@st.composite
def nearly_full(draw: st.DrawFn, one: ChargingNeed) -> ChargingNeed:
    """It draws a part of its lowest setpoint, where it has any."""
    one = draw(steered(one))
    return replace(one, draws_a=draw(numbers(0.05, 0.95)) * one.lowest_a) if one.lowest_a < inf else one


def anything(one: ChargingNeed) -> st.SearchStrategy[ChargingNeed]:
    return st.just(one) | givers(one) | tapering(one) | switchers(one) | steered(one) | both(one) | nearly_full(one)


@st.composite
def both(draw: st.DrawFn, one: ChargingNeed) -> ChargingNeed:
    """On a station that switches phases, starts seldom and rises gently; its vehicle may taper, or give back."""
    return draw(steered(draw(switchers(draw(st.just(one) | tapering(one) | givers(one))))))


@st.composite
def whole_sites(draw: st.DrawFn) -> PlanRequest:
    asked = draw(contracted())
    return replace(
        asked,
        time_limit_s=1.0,
        fairness=draw(st.sampled_from(Fairness)),
        needs=tuple(draw(anything(one)) for one in asked.needs),
        batteries=(draw(batteries("b")),),
    )


@given(whole_sites())
@few
def test_there_is_always_a_plan_within_every_limit_and_above_its_bound(asked: PlanRequest):
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    assert_certified(made)


@given(whole_sites(), numbers(0.1, 30))
@few
def test_more_grid_still_never_costs_more_than_the_gap(asked: PlanRequest, more: float):
    wider = replace(asked, feeders=tuple(widened(cap, more) for cap in asked.feeders))
    tight, wide = plan(asked), plan(wider)
    assert tight.objective is not None
    assert wide.bound is not None
    if any(limit.direction.value == "import" for limit in tight.relaxed):
        return  # what nothing relieves is not paid for, and so cannot be saved
    assert wide.bound <= tight.objective + 1e-6


@given(whole_sites())
@few
def test_everybody_is_off_or_within_range_and_never_both_ways_at_once(asked: PlanRequest):
    for one, session in zip(asked.needs, plan(asked).sessions, strict=True):
        assert switches_in_time(asked, one, session.single_phase)
        assert one.max_starts is None or starts(one, session) <= one.max_starts
        assert rises_gently(asked, one, session)
        for t, current_a in enumerate(session.current_a[len(one.frozen_a) :], start=len(one.frozen_a)):
            assert current_a == 0 or one.min_current_a - 1e-9 <= current_a <= one.max_current_a + 1e-9
            assert current_a in (0.0, *one.setpoints_a) or not one.setpoints_a
            assert not session.discharge_a or not (session.discharge_a[t] and current_a)
            most_kw = setpoint_kw(asked, len(phases_of(one, session, t)), current_a)
            drawn_kw = most_kw if one.draws_a is None else setpoint_kw(asked, len(one.phases), one.draws_a)
            assert -1e-9 <= session.power_kw[t] <= min(most_kw, drawn_kw) + 1e-6


@given(whole_sites())
@few
def test_energy_is_conserved_whoever_takes_stores_and_gives(asked: PlanRequest):
    made = plan(asked)
    for one, session in zip(asked.needs, made.sessions, strict=True):
        delivered_kwh = energy_kwh(asked, one, session)
        assert session.shortfall_kwh == pytest.approx(max(0.0, one.energy_kwh - delivered_kwh), abs=1e-5)
        assert one.v2g is not None or delivered_kwh <= one.energy_kwh + 1e-5
    for battery, used in zip(asked.batteries, made.batteries, strict=True):
        stored_kwh = battery.stored_kwh
        for step, power_kw, after_kwh in zip(asked.steps, used.power_kw, used.stored_kwh, strict=True):
            kept = battery.charge_efficiency if power_kw > 0 else 1 / battery.discharge_efficiency
            stored_kwh += step.duration_h * kept * power_kw
            assert after_kwh == pytest.approx(stored_kwh, abs=1e-5)


@given(whole_sites(), st.randoms(use_true_random=False))
@few
def test_in_another_order_it_costs_the_same_within_what_is_certified(asked: PlanRequest, rng: random.Random):
    needs, batteries = list(asked.needs), list(asked.batteries)
    rng.shuffle(needs)
    rng.shuffle(batteries)
    one, other = plan(asked), plan(replace(asked, needs=tuple(needs), batteries=tuple(batteries)))
    for bound, value in ((one.bound, other.objective), (other.bound, one.objective)):
        assert bound is not None
        assert value is not None
        assert bound <= value + 1e-6


@st.composite
def any_givers(draw: st.DrawFn) -> PlanRequest:
    """Vehicles that give back and taper, may leave early, have a step on its way, on stations that know few setpoints, start seldom,
    rise gently or switch phases."""
    asked = draw(contracted())
    needs = [draw(steered(draw(givers(draw(st.just(one) | switchers(one)))))) for one in asked.needs]
    return replace(asked, time_limit_s=1.0, needs=tuple(draw(unsure(draw(slow(one)))) for one in needs))


@st.composite
def slow(draw: st.DrawFn, one: ChargingNeed) -> ChargingNeed:
    """As its battery fills it takes less."""
    assert one.battery is not None
    acceptance = (AcceptancePoint(0.5, draw(numbers(4, 12))), AcceptancePoint(1.0, draw(numbers(0, 4))))
    return draw(st.just(one) | st.just(replace(one, battery=replace(one.battery, acceptance=acceptance))))


@st.composite
def unsure(draw: st.DrawFn, one: ChargingNeed) -> ChargingNeed:
    """It may leave a quarter of an hour or more earlier, with less."""
    early_at = one.departs_at - timedelta(hours=draw(numbers(0.25, 1)))
    chance, part = draw(numbers(0.02, 0.9)), draw(numbers(0, 1))
    stays = (
        LikelyStay(part * one.energy_kwh, early_at, chance),
        LikelyStay(one.energy_kwh, one.departs_at, 1 - chance),
    )
    return draw(st.just(one) | st.just(replace(one, likely=stays)))


@given(any_givers())
@few
def test_who_gives_back_charges_as_his_station_can_and_stays_above_his_floor(asked: PlanRequest):
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    assert_certified(made)
    for one, session in zip(asked.needs, made.sessions, strict=True):
        planned_a = session.current_a[len(one.frozen_a) :]
        assert all(current_a in (0.0, *one.setpoints_a) for current_a in planned_a) or not one.setpoints_a
        assert one.max_starts is None or starts(one, session) <= one.max_starts
        assert not any(session.discharge_a[: len(one.frozen_a)])
        assert one.battery is not None
        assert one.v2g is not None
        least_kwh = min(one.v2g.floor_kwh, one.battery.soc * one.battery.capacity_kwh)
        assert all(kwh >= least_kwh - 1e-5 for kwh in held_kwh(asked, one, session))


@given(any_givers())
@few
def test_what_a_giver_holds_is_what_it_came_with_took_and_gave_and_what_is_missing_is_named(asked: PlanRequest):
    made = plan(asked)
    for one, session in zip(asked.needs, made.sessions, strict=True):
        assert one.battery is not None
        full_kwh, came_kwh = one.battery.capacity_kwh, one.battery.soc * one.battery.capacity_kwh
        assert came_kwh + energy_kwh(asked, one, session) <= full_kwh + 1e-5
        stays = one.likely or (LikelyStay(one.energy_kwh, one.departs_at, 1.0),)
        missing_kwh = sum(stay.probability * lacking_kwh(asked, one, session, stay) for stay in stays)
        assert session.shortfall_kwh == pytest.approx(missing_kwh, abs=1e-5)
        curve, held = Acceptance.of(one.battery), [came_kwh, *held_kwh(asked, one, session)]
        for hours, before_kwh, power_kw in zip(hours_of(asked, one), held, session.power_kw, strict=False):
            assert power_kw * hours <= curve.filled_kwh(min(before_kwh, full_kwh), 1e3, hours) + 1e-5


def lacking_kwh(asked: PlanRequest, one: ChargingNeed, session: SessionPlan, stay: LikelyStay) -> float:
    """What a vehicle lacks that leaves when and with what a likely stay says [kWh]."""
    gone = replace(one, departs_at=stay.departs_at)
    return max(0.0, stay.energy_kwh - energy_kwh(asked, gone, session))
