"""Whoever charges goes on, unless stopping is worth it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.plan import ChargingNeed
from optimizer import plan
from tests.optimizer.requests import feeder, need, request

ROOM_FOR_ONE = (feeder(4, limit_a=16.0),)


def going(one: ChargingNeed, current_a: float = 16.0) -> ChargingNeed:
    return replace(one, current_a=current_a)


@pytest.mark.parametrize("first", ["a", "b"])
def test_of_two_equal_sessions_the_one_that_charges_goes_on(first):
    needs = [need(name, energy_kwh=11.0) for name in ("a", "b")]
    made = plan(request(*(going(n) if n.session_id == first else n for n in needs), feeders=ROOM_FOR_ONE))
    set_a = {session.session_id: session.current_a[0] for session in made.sessions}
    assert set_a[first] == 16.0
    assert made.cost_by_term["interruption"] == pytest.approx(0.0, abs=1e-9)


def test_charging_stops_for_a_price_that_is_worth_it_and_the_plan_says_what_that_counts():
    made = plan(request(going(need(energy_kwh=11.0)), price=(0.5, 0.1, 0.1, 0.5)))
    assert made.sessions[0].current_a[0] == 0.0
    assert made.cost_by_term["interruption"] == pytest.approx(11.0 * 0.1 * 0.3, rel=0.02)


def test_a_hundredth_of_a_cent_is_no_reason_to_stop():
    made = plan(request(going(need(energy_kwh=11.0)), price=(0.3001, 0.3, 0.3, 0.3)))
    assert made.sessions[0].current_a[0] == 16.0


def test_nobody_goes_on_for_others_to_go_short():
    urgent = need("b", energy_kwh=11.0, hours=1.0)
    made = plan(request(going(need("a", energy_kwh=11.0)), urgent, feeders=ROOM_FOR_ONE))
    assert [session.shortfall_kwh for session in made.sessions] == pytest.approx([0.0, 0.0], abs=0.05)


@settings(deadline=None, max_examples=40)
@given(st.floats(0.0, 40.0), st.floats(0.05, 30.0))
def test_going_on_never_asks_for_more_than_a_session_may_have(current_a, energy_kwh):
    made = plan(request(going(need(energy_kwh=energy_kwh), current_a)))
    assert made.bound <= made.objective + 1e-9
    assert max(made.sessions[0].current_a) <= 16.0
