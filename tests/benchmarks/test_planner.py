"""The ladder's command measures what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimizer import plan
from tests.benchmarks.planner import PARTS, STATIONS, measure
from tests.benchmarks.sites import made_up_request


def test_a_rung_has_a_certified_plan_and_the_plain_solver_beside_it():
    rung = measure(3, "scarce", time_limit_s=0.5, seed=1)
    assert set(rung) == set(PARTS)
    made = rung["plan"]
    assert isinstance(made, dict)
    assert made["bound"] <= made["objective"]


@pytest.mark.parametrize("stations", sorted(STATIONS))
def test_whatever_stations_can_be_told_a_plan_for_them_is_certified(stations: str):
    made = measure(2, "room", time_limit_s=0.5, seed=1, parts=("plan",), stations=stations)["plan"]
    assert made["status"] in ("optimal", "feasible")
    assert made["bound"] <= made["objective"]


def test_where_energy_is_scarce_about_a_quarter_of_it_cannot_be_had():
    asked = replace(made_up_request(40, scarce=True), time_limit_s=30.0)
    short_kwh = sum(session.shortfall_kwh for session in plan(asked).sessions)
    assert short_kwh / sum(need.energy_kwh for need in asked.needs) == pytest.approx(0.27, abs=0.06)


def test_with_room_every_need_can_be_met():
    asked = replace(made_up_request(40), time_limit_s=30.0)
    assert sum(session.shortfall_kwh for session in plan(asked).sessions) == pytest.approx(0.0, abs=0.1)
