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
