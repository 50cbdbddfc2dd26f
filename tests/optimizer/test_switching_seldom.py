"""Connectors that switch phases and may start seldom or rise gently: a switch interrupts, and what follows begins anew."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.need import PhaseSwitching
from cpms.domain.plan import ChargingNeed, PlanRequest, SessionPlan
from optimizer import plan
from tests.optimizer.oracle import (
    assert_certified,
    exceeded_limits,
    money,
    rises_gently,
    setpoint_kw,
    starts,
    switches_in_time,
)
from tests.optimizer.requests import NOW, feeder, need, request
from tests.optimizer.test_promises import few, numbers, sites
from tests.optimizer.test_switching import switchers


@st.composite
def seldom(draw: st.DrawFn, one: ChargingNeed) -> ChargingNeed:
    """On a station that switches phases, and starts seldom, rises gently or both; perhaps with a step on its way."""
    return replace(
        draw(switchers(one)),
        setpoints_a=draw(st.sampled_from([(), (0.0, 10.0), (0.0, 10.0, 15.0, 30.0)])),
        max_starts=draw(st.none() | st.integers(0, 2)),
        max_rise_a_per_min=draw(st.none() | numbers(0.05, 1)),
        frozen_a=draw(st.sampled_from([(), (0.0,), (10.0,), (10.0, 10.0)])),
    )


@st.composite
def seldom_sites(draw: st.DrawFn) -> PlanRequest:
    asked = draw(sites())
    return replace(asked, needs=tuple(draw(seldom(one)) for one in asked.needs))


def may_be_told(asked: PlanRequest, one: ChargingNeed, session: SessionPlan) -> bool:
    """Whether a station can be told this course and these setpoints."""
    if one.max_starts is not None and starts(one, session) > one.max_starts:
        return False
    return rises_gently(asked, one, session) and switches_in_time(asked, one, session.single_phase)


@given(seldom_sites())
@few
def test_starts_and_rises_are_counted_over_all_phases_within_every_limit(asked: PlanRequest):
    made = plan(asked)
    for planned in (made, plan(asked, start=made)):
        assert exceeded_limits(asked, planned) == []
        assert all(may_be_told(asked, *pair) for pair in zip(asked.needs, planned.sessions, strict=True))
        assert_certified(planned)


@given(seldom_sites())
@few
def test_who_may_start_as_often_and_rise_as_fast_as_he_likes_pays_no_more(asked: PlanRequest):
    made = plan(asked)
    free = plan(
        replace(asked, needs=tuple(replace(one, max_starts=None, max_rise_a_per_min=None) for one in asked.needs))
    )
    assert made.objective is not None
    assert free.bound is not None
    assert free.bound <= made.objective + 1e-6


STATIONS = [
    {"max_starts": 1},
    {"max_starts": 2},
    {"max_rise_a_per_min": 2.0 / 60.0},
    {"max_starts": 1, "max_rise_a_per_min": 2.0 / 60.0},
    {"max_starts": 1, "setpoints_a": (0.0, 6.0, 10.0), "max_rise_a_per_min": 4.0 / 60.0, "frozen_a": (6.0,)},
]


@pytest.mark.parametrize("begins_single", [False, True])
@pytest.mark.parametrize("dwell_h", [0, 2])
@pytest.mark.parametrize("station", STATIONS)
def test_no_other_course_and_no_other_setpoints_are_cheaper(
    station: dict[str, object], dwell_h: int, begins_single: bool
):
    one = replace(
        need("a", 36 * 0.23, 4.0, max_current_a=10.0, step_a=2.0),
        switching=PhaseSwitching(min_dwell_s=3600.0 * dwell_h),
        on_single_phase=begins_single,
        switched_at=NOW - timedelta(hours=1),
        **station,
    )
    asked = request(
        one,
        feeders=(feeder(4, limit_a=10.0),),
        price=(0.3, 0.5, 0.25, 0.4),
        export_price=(0.05, 0.1, 0.02, 0.05),
        solar_kw=(2.0, 5.0, 1.5, 4.5),
        gap_target=0.0,
    )
    made, best = plan(asked), _cheapest(asked)
    assert made.sessions[0].shortfall_kwh == pytest.approx(0.0, abs=1e-6)
    assert money(asked, [made.sessions[0].power_kw]) <= best + 0.02  # the preferences: early, steady
    assert made.bound is not None
    assert made.bound <= best + 0.05  # they are part of what is bounded


def _is_as_frozen(one: ChargingNeed, session: SessionPlan) -> bool:
    frozen = len(one.frozen_a)
    as_now = (one.on_single_phase,) * frozen
    return session.current_a[:frozen] == one.frozen_a and session.single_phase[:frozen] == as_now


def _cheapest(asked: PlanRequest) -> float:
    """Least money over all courses and setpoints that its station can be told, the vehicle stopping when its need is met."""
    one, known_a = asked.needs[0], asked.needs[0].setpoints_a or (0.0, 6.0, 8.0, 10.0)
    costs = [float("inf")]
    for single, currents_a in itertools.product(
        itertools.product((False, True), repeat=4), itertools.product(known_a, repeat=4)
    ):
        session = SessionPlan("a", one.connector, currents_a, (0.0,) * 4, single_phase=single)
        if _is_as_frozen(one, session) and may_be_told(asked, one, session):
            powers_kw, left_kwh = [], one.energy_kwh
            for on_one, current_a in zip(single, currents_a, strict=True):
                powers_kw.append(min(setpoint_kw(asked, 1 if on_one else 3, current_a), left_kwh))
                left_kwh -= powers_kw[-1]
            costs.append(money(asked, [tuple(powers_kw)]) if left_kwh < 1e-9 else float("inf"))
    return min(costs)
