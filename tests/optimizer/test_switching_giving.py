"""Connectors that switch phases and give back: every use of them is tried on tiny days, and random ones keep what they promise."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.binding import Direction
from cpms.domain.need import AcceptancePoint, PhaseSwitching, VehicleBattery, VehicleToGrid
from cpms.domain.plan import ChargingNeed, DemandPrice, PlanRequest, SessionPlan
from cpms.domain.units import PHASES, Phase
from optimizer import plan
from optimizer.questions.priorities import paid
from optimizer.report.page import describe
from tests.optimizer.oracle import (
    assert_certified,
    energy_kwh,
    exceeded_limits,
    held_kwh,
    money,
    phases_of,
    setpoint_kw,
    switches_in_time,
)
from tests.optimizer.requests import NOW, feeder, need, request
from tests.optimizer.test_promises import few, sites
from tests.optimizer.test_site_promises import givers
from tests.optimizer.test_switching import switchers

STEPS = 3
PREFERENCES = 0.04
"""Money that plans may cost more for what is preferred for its own sake: early, steady, few switches."""

V2G = VehicleToGrid(floor_kwh=2.0, min_discharge_a=6.0, max_discharge_a=10.0, efficiency=0.9, wear_per_kwh=0.01)
CAR = replace(
    need("car", 2.0, float(STEPS), max_current_a=10.0, step_a=2.0),
    battery=VehicleBattery(capacity_kwh=30.0, soc=0.4),
    v2g=V2G,
    switching=PhaseSwitching(Phase.L2, 0.0),
)
NEIGHBOUR = need("near", 4.0, float(STEPS), phases=(Phase.L2,), max_current_a=16.0, step_a=4.0)
"""On the phase that the car uses when it is on a single one."""


@dataclass(frozen=True)
class Course:
    """Current per step and phase [A], and what it means [kW]."""

    on_phase_a: tuple[dict[Phase, float], ...]
    net_kw: tuple[float, ...]
    cost: float = 0.0


def courses(asked: PlanRequest, one: ChargingNeed) -> Iterator[Course]:
    """Every row of phases and currents in either direction with which nobody lacks anything and the floor is kept."""
    multiples_a = (k * one.step_a for k in range(1, round(one.max_current_a // one.step_a) + 1))
    on_a = [current_a for current_a in multiples_a if current_a >= one.min_current_a]
    choices_a = [0.0, *on_a, *((-6.0, -8.0, -10.0) if one.v2g else ())]
    rows_of_phases = [(False,) * STEPS] if one.switching is None else itertools.product((False, True), repeat=STEPS)
    for single in rows_of_phases:
        if switches_in_time(asked, one, single):
            phases = [(one.switching.single,) if alone and one.switching else one.phases for alone in single]
            for currents_a in itertools.product(choices_a, repeat=STEPS):
                net_kw = tuple(setpoint_kw(asked, len(p), a) for p, a in zip(phases, currents_a, strict=True))
                if (cost := served_at(one, net_kw)) is not None:
                    on_phase_a = tuple(dict.fromkeys(p, a) for p, a in zip(phases, currents_a, strict=True))
                    yield Course(on_phase_a, drawn_kw(one, net_kw), cost)


def drawn_kw(one: ChargingNeed, net_kw: tuple[float, ...]) -> tuple[float, ...]:
    """A vehicle that cannot give stops when its need is met."""
    if one.v2g is not None:
        return net_kw
    had_kwh = [min(sum(net_kw[:t]), one.energy_kwh) for t in range(STEPS + 1)]
    return tuple(after - before for before, after in itertools.pairwise(had_kwh))


def served_at(one: ChargingNeed, net_kw: tuple[float, ...]) -> float | None:
    """Wear [money]; None if anything is lacking or the battery cannot do it."""
    if one.v2g is None or one.battery is None:
        return 0.0 if sum(net_kw) >= one.energy_kwh - 1e-9 else None
    came_kwh = one.battery.soc * one.battery.capacity_kwh
    changes = [kw if kw > 0 else kw / one.v2g.efficiency for kw in net_kw]
    held = [came_kwh + sum(changes[: t + 1]) for t in range(STEPS)]
    if min(held) < one.v2g.floor_kwh - 1e-9 or held[-1] < came_kwh + one.energy_kwh - 1e-9:
        return None
    return -one.v2g.wear_per_kwh * sum(min(kw, 0.0) for kw in net_kw)


def cheapest(asked: PlanRequest) -> float:
    """Least money over all combinations that the fuse admits on every phase."""
    limit_a, best = asked.feeders[0].limit_a[0], float("inf")
    for together in itertools.product(*(list(courses(asked, one)) for one in asked.needs)):
        loads_a = (
            sum(course.on_phase_a[t].get(phase, 0.0) for course in together) for t in range(STEPS) for phase in PHASES
        )
        if max(loads_a) <= limit_a + 1e-9:
            cost = money(asked, [course.net_kw for course in together]) + sum(course.cost for course in together)
            best = min(best, cost)
    return best


def site(*needs: ChargingNeed, price: tuple[float, ...], limit_a: float) -> PlanRequest:
    """Hours behind a fuse, with sun in the second and a peak that is paid for."""
    asked = request(
        *needs,
        count=STEPS,
        feeders=(feeder(STEPS, limit_a=limit_a),),
        price=price,
        export_price=(0.05, 0.04, 0.06),
        solar_kw=(0.0, 3.0, 0.5),
        other_load_kw=(2.0, 0.0, 3.0),
        demand=(DemandPrice(0.2, 3.0, (True,) * STEPS, 3600),),
        gap_target=0.0,
    )
    return replace(asked, time_limit_s=20.0, shortfall_price_per_kwh=20.0)


@pytest.mark.parametrize("price", [(0.6, 0.1, 0.5), (0.1, 0.5, 0.12), (0.1, 0.2, 0.9)])
@pytest.mark.parametrize(
    ("dwell_h", "begins_single", "limit_a"), [(0, False, 8.0), (1, True, 8.0), (2, False, 40.0), (3, True, 40.0)]
)
def test_no_other_phases_and_no_other_use_of_the_car_are_cheaper(
    price: tuple[float, ...], dwell_h: int, begins_single: bool, limit_a: float
):
    car = replace(
        CAR,
        switching=PhaseSwitching(Phase.L2, 3600.0 * dwell_h),
        on_single_phase=begins_single,
        switched_at=NOW - timedelta(hours=1),
    )
    asked = site(car, NEIGHBOUR, price=price, limit_a=limit_a)
    best, made = cheapest(asked), plan(asked)
    assert exceeded_limits(asked, made) == []
    assert [session.shortfall_kwh for session in made.sessions] == [0.0, 0.0]
    assert paid(made) <= best + PREFERENCES
    assert made.bound is not None
    assert made.bound <= best + PREFERENCES  # they are part of what is bounded


@st.composite
def switching_givers(draw: st.DrawFn, one: ChargingNeed) -> ChargingNeed:
    """They may taper, and have a step on its way."""
    one = draw(givers(draw(switchers(one))))
    assert one.battery is not None
    slow = (AcceptancePoint(0.5, draw(st.floats(4, 12))), AcceptancePoint(1.0, draw(st.floats(0, 4))))
    acceptance = draw(st.sampled_from([(), slow]))
    return replace(
        one,
        battery=replace(one.battery, acceptance=acceptance),
        frozen_a=draw(st.sampled_from([(), (), (0.0,), (10.0,)])),
    )


@st.composite
def two_way_sites(draw: st.DrawFn) -> PlanRequest:
    """Sites on which most connectors switch phases and give back."""
    asked = draw(sites())
    needs = (draw(switching_givers(one) | switching_givers(one) | st.just(one)) for one in asked.needs)
    return replace(asked, needs=tuple(needs), time_limit_s=1.0)


@given(two_way_sites())
@few
def test_limits_hold_on_the_phases_in_use_whichever_way_power_flows(asked: PlanRequest):
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    assert_certified(made)
    again = plan(asked, start=made)
    assert exceeded_limits(asked, again) == []


@given(two_way_sites())
@few
def test_phases_are_kept_for_the_dwell_and_power_is_that_of_the_phases_in_use(asked: PlanRequest):
    for one, session in zip(asked.needs, plan(asked).sessions, strict=True):
        assert switches_in_time(asked, one, session.single_phase)
        for t in range(len(one.frozen_a), len(asked.steps)):
            phase_count, taken_a = len(phases_of(one, session, t)), session.current_a[t]
            assert taken_a == 0 or one.min_current_a - 1e-9 <= taken_a <= one.max_current_a + 1e-9
            assert session.power_kw[t] <= setpoint_kw(asked, phase_count, taken_a) + 1e-6
            if one.v2g is not None:
                given_a = session.discharge_a[t]
                assert not (given_a and taken_a)
                assert given_a <= one.v2g.max_discharge_a + 1e-9
                assert session.discharge_kw[t] == pytest.approx(setpoint_kw(asked, phase_count, given_a), abs=1e-6)


@given(two_way_sites())
@few
def test_what_is_held_is_one_account_whatever_the_phases(asked: PlanRequest):
    for one, session in zip(asked.needs, plan(asked).sessions, strict=True):
        delivered_kwh = energy_kwh(asked, one, session)
        assert session.shortfall_kwh == pytest.approx(max(0.0, one.energy_kwh - delivered_kwh), abs=1e-5)
        if one.v2g is not None and one.battery is not None:
            came_kwh = one.battery.soc * one.battery.capacity_kwh
            assert came_kwh + delivered_kwh <= one.battery.capacity_kwh + 1e-5
            assert min(held_kwh(asked, one, session)) >= min(one.v2g.floor_kwh, came_kwh) - 1e-5


@given(two_way_sites())
@few
def test_freedom_to_switch_is_never_dearer(asked: PlanRequest):
    made = plan(asked)
    fixed = plan(replace(asked, needs=tuple(_fixed(one) for one in asked.needs)))
    if any(limit.direction is Direction.IMPORT for limit in fixed.relaxed):
        return  # what nothing relieves is not paid for, and so cannot be saved
    assert made.bound is not None
    assert fixed.objective is not None
    assert made.bound <= fixed.objective + 1e-6


def _fixed(one: ChargingNeed) -> ChargingNeed:
    return replace(one, phases=one.phases_now, switching=None, on_single_phase=False, switched_at=None)


def test_the_plan_on_paper_shows_the_phases_with_what_is_given():
    asked = site(CAR, NEIGHBOUR, price=(0.1, 0.2, 0.9), limit_a=8.0)
    made = plan(asked)
    car: SessionPlan = made.sessions[0]
    page = describe(asked, made)
    assert any(given and single for given, single in zip(car.discharge_a, car.single_phase, strict=True)), page
    assert "on a single phase" in page
    assert "gives back" in page
