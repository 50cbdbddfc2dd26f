"""Who comes or leaves within a step: meters count what flows while they are there, limits all that is permitted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cpms.domain.need import VehicleBattery, VehicleToGrid
from cpms.domain.plan import DemandPrice, PlanStatus
from cpms.domain.units import Phase
from optimizer import plan
from tests.optimizer.oracle import exceeded_limits, hours_of
from tests.optimizer.requests import feeder, need, request

MOST_KW = 16.0 * 0.23 * 3


@pytest.mark.parametrize("minutes", [1, 5, 14])
def test_a_need_that_takes_the_minutes_of_the_last_step_is_met_and_costs_what_it_takes(minutes: int):
    hours = 1.0 + minutes / 60
    made = plan(request(need("a", MOST_KW * hours, hours), count=6, minutes=15))
    assert made.sessions[0].shortfall_kwh == pytest.approx(0.0, abs=1e-6)
    assert made.cost_by_term["energy"] == pytest.approx(0.2 * MOST_KW * hours)
    assert made.status is PlanStatus.OPTIMAL


def test_who_comes_within_a_step_raises_the_peak_by_what_he_takes_of_it():
    demand = DemandPrice(price_per_kw=10.0, peak_so_far_kw=0.0, applies=(True,), window_s=3600)
    late = need("a", MOST_KW / 2, 1.0, arrives_h=0.5)
    made = plan(request(late, count=1, demand=(demand,)))
    assert made.cost_by_term["demand"] == pytest.approx(10.0 * MOST_KW / 2)
    assert made.peak_kw == pytest.approx(MOST_KW / 2)


def test_what_is_on_its_way_to_who_leaves_within_the_step_costs_what_it_takes_until_then():
    leaving = replace(need("a", 50.0, 0.25), frozen_a=(16.0,))
    made = plan(request(leaving, count=2))
    assert made.cost_by_term["energy"] == pytest.approx(0.2 * MOST_KW * 0.25)


def test_limits_hold_all_that_is_permitted_however_short_it_is_there():
    short = [need(name, MOST_KW / 10, 0.1) for name in "ab"]
    asked = request(*short, count=1, feeders=(feeder(1, limit_a=16.0),))
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    assert sum(session.shortfall_kwh for session in made.sessions) == pytest.approx(MOST_KW / 10)


def test_who_gives_and_leaves_within_a_step_is_paid_for_what_he_gave():
    giver = replace(
        need("a", 0.0, 0.25, phases=(Phase.L1,)),
        battery=VehicleBattery(capacity_kwh=60.0, soc=0.9),
        v2g=VehicleToGrid(floor_kwh=5.0, max_discharge_a=16.0, efficiency=1.0),
    )
    asked = replace(request(giver, count=1, export_price=(0.9,)), shortfall_price_per_kwh=0.1)
    made = plan(asked)
    [session], [hours] = made.sessions, hours_of(asked, giver)
    given_kwh = hours * (session.discharge_kw[0] if session.discharge_kw else 0.0)
    assert made.cost_by_term["energy"] == pytest.approx(-0.9 * given_kwh)


def test_a_need_is_left_open_where_meeting_it_costs_more_than_it_is_worth():
    for_free, at_a_loss = (
        replace(need(name), revenue_per_kwh=(price,) * 4) for name, price in (("a", 0.0), ("b", -5.0))
    )
    made = plan(request(for_free, at_a_loss))
    assert [session.shortfall_kwh for session in made.sessions] == pytest.approx([0.0, 10.0])
