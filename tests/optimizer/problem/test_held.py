"""Plans for vehicles that accept less as they fill, and around what is on its way already."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpms.domain.need import AcceptancePoint, VehicleBattery
from optimizer import plan
from optimizer.problem.acceptance import Acceptance
from optimizer.problem.frozen import frozen_of
from optimizer.problem.held import Held
from tests.optimizer.oracle import energy_kwh, exceeded_limits, hours_of, setpoint_kw
from tests.optimizer.requests import feeder, need, request

CURVE = (AcceptancePoint(0.8, 11.0), AcceptancePoint(1.0, 1.0))


def filling(name: str = "a", soc: float = 0.7, until: float = 0.95, hours: float = 4.0, **options: object):
    battery = VehicleBattery(50.0, soc, CURVE)
    return replace(need(name, battery.energy_to_kwh(until), hours, **options), battery=battery)  # type: ignore[arg-type]  # as of `need`


def test_what_is_planned_is_what_the_vehicle_will_draw():
    asked = request(filling(), count=16, minutes=15)
    made = plan(asked)
    setpoints = np.array([setpoint_kw(asked, len(asked.needs[0].phases), a) for a in made.sessions[0].current_a])
    drawn = Held.of(asked.needs[0].battery).drawn_kw(setpoints, np.full(16, 0.25), 12.5)
    assert made.sessions[0].power_kw == pytest.approx(drawn.tolist())
    assert made.sessions[0].shortfall_kwh == pytest.approx(0.0, abs=0.01)


def test_a_vehicle_that_tapers_starts_earlier_than_one_that_does_not():
    price = (0.3,) * 12 + (0.1,) * 4
    tapering = plan(request(filling(until=1.0), count=16, minutes=15, price=price))
    plain = plan(request(need("a", 15.0), count=16, minutes=15, price=price))
    assert sum(tapering.sessions[0].power_kw[:12]) > sum(plain.sessions[0].power_kw[:12]) + 1.0


def test_below_its_minimum_current_a_vehicle_may_draw_less_than_it_is_told():
    made = plan(request(filling(soc=0.97, until=0.995), count=8, minutes=15))
    assert 0 < made.sessions[0].power_kw[0] < 4.14
    assert made.sessions[0].current_a[0] >= 6.0
    assert made.sessions[0].shortfall_kwh < 0.1


def test_a_full_battery_takes_no_more_and_the_rest_is_short():
    vehicle = replace(need("a", 20.0), battery=VehicleBattery(50.0, 0.9))
    made = plan(request(vehicle))
    assert made.sessions[0].shortfall_kwh == pytest.approx(15.0)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.data())
def test_tapering_vehicles_never_draw_more_than_they_accept_and_what_they_do_not_draw_is_named_as_missing(
    data: st.DataObject,
):
    share = st.floats(0.3, 1.0)
    needs = [
        filling(name, data.draw(share), data.draw(share), data.draw(st.floats(0.2, 2.5))) for name in ("a", "b", "c")
    ]
    asked = request(*needs, count=10, minutes=15, feeders=(feeder(10, limit_a=data.draw(st.floats(0, 40))),))
    made = plan(replace(asked, time_limit_s=0.5))
    assert exceeded_limits(asked, made) == []
    assert made.bound is not None
    assert made.objective is not None
    assert made.bound <= made.objective
    for one, session in zip(asked.needs, made.sessions, strict=True):
        assert one.battery is not None
        curve, held_kwh = Acceptance.of(one.battery), one.battery.soc * 50.0
        for hours, power_kw in zip(hours_of(asked, one), session.power_kw, strict=True):
            assert power_kw * hours <= curve.filled_kwh(held_kwh, 1e3, hours) + 1e-6
            held_kwh += power_kw * hours
        assert energy_kwh(asked, one, session) + session.shortfall_kwh == pytest.approx(one.energy_kwh, abs=1e-6)


def test_what_is_frozen_is_kept_and_the_rest_planned_around_it():
    one = replace(need("a", 12.0), frozen_a=(10.0, 0.0))
    asked = request(one, need("b", 10.0), feeders=(feeder(4, limit_a=16.0),), price=(0.1, 0.1, 0.3, 0.3))
    made = plan(asked)
    assert made.sessions[0].current_a[:2] == (10.0, 0.0)
    assert made.sessions[0].power_kw[0] == pytest.approx(6.9)
    assert made.sessions[1].current_a[0] <= 6.0
    assert [s.shortfall_kwh for s in made.sessions] == pytest.approx([0.0, 0.0], abs=0.01)
    assert sum(made.sessions[0].power_kw) == pytest.approx(12.0)
    assert made.cost_by_term["energy"] == pytest.approx(
        sum(p * price for s in made.sessions for p, price in zip(s.power_kw, asked.import_price_per_kwh, strict=True))
    )


def test_a_frozen_vehicle_stops_when_its_need_is_met_or_it_leaves():
    asked = request(replace(need("a", 8.0, 1.5), frozen_a=(10.0, 10.0, 10.0)))
    assert frozen_of(asked).drawn_kw[0].tolist() == pytest.approx([6.9, 2.2, 0.0, 0.0])


def test_a_limit_that_frozen_setpoints_exceed_is_named_with_the_excess():
    asked = request(replace(need("a", 20.0), frozen_a=(16.0,)), feeders=(feeder(4, import_kw=5.0),))
    made = plan(asked)
    assert [(r.step, r.unit) for r in made.relaxed] == [(0, "kW")]
    assert made.relaxed[0].excess == pytest.approx(11.04 - 5.0)
    assert exceeded_limits(asked, made) == []


def test_who_stays_longer_than_stated_with_a_setpoint_on_its_way_is_planned_around():
    gone = replace(filling("a", 0.5, 0.9, -0.5), frozen_a=(16.0, 16.0))
    made = plan(request(gone, filling("b", 0.5, 0.9, 2.0), count=10, minutes=15))
    assert made.bound is not None
    assert made.sessions[0].power_kw == (0.0,) * 10
