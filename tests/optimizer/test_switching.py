"""Connectors that switch between one phase and three: never both, never too soon, never above a limit, and no plan is cheaper."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.errors import InvalidInput
from cpms.domain.need import PhaseSwitching
from cpms.domain.plan import ChargingNeed, Plan, PlanRequest
from cpms.domain.units import PHASES, Phase
from optimizer import plan
from optimizer.problem.switching import SWITCH_KWH, switching_of
from tests.optimizer.oracle import (
    assert_certified,
    energy_kwh,
    exceeded_limits,
    money,
    setpoint_kw,
    switches_in_time,
)
from tests.optimizer.requests import NOW, feeder, need, request
from tests.optimizer.test_promises import few, numbers, sites


@st.composite
def switchers(draw: st.DrawFn, one: ChargingNeed) -> ChargingNeed:
    return replace(
        one,
        phases=PHASES,
        switching=PhaseSwitching(draw(st.sampled_from(PHASES)), draw(st.sampled_from([0.0, 900.0, 2000.0]))),
        on_single_phase=draw(st.booleans()),
        switched_at=draw(st.none() | numbers(-0.5, 0).map(lambda h: NOW + timedelta(hours=h))),
        setpoints_a=draw(st.sampled_from([(), (0.0, 10.0)])),
        current_a=draw(st.sampled_from([0.0, 10.0])),
    )


@st.composite
def switching_sites(draw: st.DrawFn) -> PlanRequest:
    """Sites on which about half the connectors switch phases."""
    asked = draw(sites())
    return replace(asked, needs=tuple(draw(st.just(one) | switchers(one)) for one in asked.needs))


@given(switching_sites())
@few
def test_limits_hold_on_the_phases_in_use_and_every_dwell_is_kept(asked: PlanRequest):
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    for one, session in zip(asked.needs, made.sessions, strict=True):
        assert len(session.single_phase) == (len(asked.steps) if one.switching else 0)
        assert switches_in_time(asked, one, session.single_phase)
    again = plan(asked, start=made)
    assert exceeded_limits(asked, again) == []
    assert all(switches_in_time(asked, *pair) for pair in zip(asked.needs, _courses(again), strict=True))


def _courses(made: Plan) -> list[tuple[bool, ...]]:
    return [session.single_phase for session in made.sessions]


@given(switching_sites())
@few
def test_setpoints_are_off_or_in_range_and_energy_is_that_of_the_phases_in_use(asked: PlanRequest):
    made = plan(asked)
    for one, session in zip(asked.needs, made.sessions, strict=True):
        course = session.single_phase or (False,) * len(asked.steps)
        for current_a, power_kw, single in zip(session.current_a, session.power_kw, course, strict=True):
            assert current_a == 0 or one.min_current_a - 1e-9 <= current_a <= one.max_current_a + 1e-9
            assert current_a == 0 or not one.setpoints_a or current_a in one.setpoints_a
            phase_count = 1 if single else len(one.phases)
            assert -1e-9 <= power_kw <= setpoint_kw(asked, phase_count, current_a) + 1e-9
        delivered_kwh = energy_kwh(asked, one, session)
        assert delivered_kwh + session.shortfall_kwh == pytest.approx(one.energy_kwh, abs=1e-5)
    assert_certified(made)


@given(switching_sites(), st.randoms(use_true_random=False))
@few
def test_neither_the_order_nor_the_freedom_to_switch_makes_it_dearer(asked: PlanRequest, rng: random.Random):
    shuffled = list(asked.needs)
    rng.shuffle(shuffled)
    made = plan(asked)
    assert plan(replace(asked, needs=tuple(shuffled))).bound == made.bound
    fixed = plan(replace(asked, needs=tuple(_fixed(one) for one in asked.needs)))
    assert made.bound is not None
    assert fixed.objective is not None
    assert made.bound <= fixed.objective + 1e-6


def _fixed(one: ChargingNeed) -> ChargingNeed:
    return replace(one, phases=one.phases_now, switching=None, on_single_phase=False, switched_at=None)


@pytest.mark.parametrize("dwell_h", [0, 1, 2, 3])
@pytest.mark.parametrize("begins_single", [False, True])
def test_no_other_course_and_no_other_setpoints_are_cheaper(dwell_h: int, begins_single: bool):
    one = replace(
        need("a", 36 * 0.23, 4.0, max_current_a=10.0, step_a=2.0),
        switching=PhaseSwitching(Phase.L2, 3600.0 * dwell_h),
        on_single_phase=begins_single,
        switched_at=NOW - timedelta(hours=1),
    )
    asked = request(
        one,
        feeders=(feeder(4, limit_a=10.0),),
        price=(0.3, 0.5, 0.25, 0.4),
        export_price=(0.05, 0.1, 0.02, 0.05),
        solar_kw=(2.0, 5.0, 1.5, 4.5),
        gap_target=0.0,
    )
    made = plan(asked)
    best = _cheapest(asked)
    assert made.sessions[0].shortfall_kwh == 0.0
    assert money(asked, [made.sessions[0].power_kw]) <= best + 0.02  # the preferences: early, steady
    assert made.bound is not None
    assert made.bound <= best + 0.04  # they are part of what is bounded


def _cheapest(asked: PlanRequest) -> float:
    """Least money over all courses within the dwell and all setpoints with which the need is met exactly."""
    one, best = asked.needs[0], float("inf")
    courses = [c for c in itertools.product((False, True), repeat=4) if switches_in_time(asked, one, c)]
    for single, currents_a in itertools.product(courses, itertools.product((0.0, 6.0, 8.0, 10.0), repeat=4)):
        phase_counts = [1 if on_one else 3 for on_one in single]
        powers_kw = tuple(setpoint_kw(asked, *pair) for pair in zip(phase_counts, currents_a, strict=True))
        if abs(sum(powers_kw) - one.energy_kwh) < 1e-9:
            best = min(best, money(asked, [powers_kw]))
    return best


@given(st.data())
@few
def test_the_course_is_the_cheapest_that_the_dwell_admits(data: st.DataObject):
    steps = 6
    one = replace(
        need(),
        switching=PhaseSwitching(Phase.L1, data.draw(st.sampled_from([0.0, 3600.0, 9000.0]))),
        on_single_phase=data.draw(st.booleans()),
        switched_at=data.draw(st.none() | numbers(-3, 0).map(lambda h: NOW + timedelta(hours=h))),
        frozen_a=data.draw(st.sampled_from([(), (6.0,)])),
    )
    asked = request(one, count=steps)
    cost_kwh = np.array(data.draw(st.lists(numbers(0, 5), min_size=2 * steps, max_size=2 * steps))).reshape(2, steps)
    course = switching_of(asked, one).course(cost_kwh, np.full(steps, SWITCH_KWH))

    def cost(single: tuple[bool, ...]) -> float:
        switches = sum(a != b for a, b in itertools.pairwise((one.on_single_phase, *single)))
        return float(sum(cost_kwh[int(m), t] for t, m in enumerate(single))) + SWITCH_KWH * switches

    allowed = [
        single
        for single in itertools.product((False, True), repeat=steps)
        if switches_in_time(asked, one, single)
        and single[: len(one.frozen_a)] == (one.on_single_phase,) * len(one.frozen_a)
    ]
    assert tuple(course.tolist()) in allowed
    assert cost(tuple(course.tolist())) == pytest.approx(min(map(cost, allowed)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"phases": (Phase.L2, Phase.L3)},
        {"phases": (Phase.L1,)},
        {"switching": PhaseSwitching(Phase.L1, -1.0)},
    ],
)
def test_what_cannot_be_planned_on_switched_phases_is_named(wrong: dict[str, object]):
    one = replace(replace(need(), switching=PhaseSwitching()), **wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"needs\[a\]"):
        plan(request(one))
