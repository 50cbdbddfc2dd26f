"""What follows from setpoints keeps limits by what is permitted, not by what is drawn on average."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cpms.domain.storage import Battery
from optimizer import plan
from tests.optimizer.oracle import exceeded_limits
from tests.optimizer.requests import feeder, need, request

EMPTY = Battery("house", "root", 100.0, 0.0, 5.0, 5.0)


@pytest.mark.parametrize("energy_kwh", [1e-4, 1.0, 2.0])
def test_who_is_met_within_a_step_is_not_permitted_more_than_an_empty_battery_lets_through(energy_kwh: float):
    one = request(need(energy_kwh=energy_kwh), feeders=(feeder(1, limit_a=3.0),), count=1)
    asked = replace(one, batteries=(EMPTY,))
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    assert made.sessions[0].shortfall_kwh == pytest.approx(energy_kwh)


def test_who_is_met_within_a_step_may_be_permitted_what_a_battery_gives():
    one = request(need(energy_kwh=2.0), feeders=(feeder(1, limit_a=3.0),), count=1)
    asked = replace(one, batteries=(replace(EMPTY, stored_kwh=50.0),))
    made = plan(asked)
    assert exceeded_limits(asked, made) == []
    assert made.sessions[0].shortfall_kwh == pytest.approx(0.0, abs=1e-6)


def test_a_battery_never_charges_and_discharges_at_once_however_much_else_is_at_stake():
    hopeless = replace(need("much", 500.0, hours=2.3, priority=9), setpoints_a=(32.0,))
    one = request(
        hopeless,
        need("nothing", 0.0),
        count=14,
        minutes=15,
        price=(0.0,) * 7 + (-0.1,) * 7,
        feeders=(feeder(14, limit_a=10.0),),
    )
    asked = replace(one, batteries=(Battery("house", "root", 1.0, 0.0, 1.0, 1.0),))
    (made,) = plan(asked).batteries
    held_kwh = 0.0
    for power_kw, stored_kwh in zip(made.power_kw, made.stored_kwh, strict=True):
        held_kwh += 0.25 * (0.95 * power_kw if power_kw > 0 else power_kw / 0.95)
        assert stored_kwh == pytest.approx(held_kwh, abs=1e-6)
