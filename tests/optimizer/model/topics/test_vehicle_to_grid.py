"""Vehicles that give energy back, against every use of them there is, on days small enough to try them all."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.need import LikelyStay, VehicleBattery, VehicleToGrid
from cpms.domain.plan import ChargingNeed, PlanStatus
from cpms.domain.units import Phase
from optimizer import plan
from tests.optimizer.oracle import money
from tests.optimizer.requests import NOW, need, request

KW = 0.23
CHOICES_A = (-12.0, -10.0, -8.0, -6.0, 0.0, 6.0, 8.0, 10.0, 12.0)
V2G = VehicleToGrid(floor_kwh=1.0, max_discharge_a=12.0, efficiency=0.8, wear_per_kwh=0.01)
BATTERY = VehicleBattery(capacity_kwh=10.0, soc=0.4)
CAR = replace(need("car", 0.0, 4.0, phases=(Phase.L1,), max_current_a=12.0, step_a=2.0), battery=BATTERY, v2g=V2G)


def car_cost(price: tuple[float, ...], currents_a: tuple[float, ...]) -> float | None:
    """Money for a car that draws and gives `currents_a` and leaves with what it came with; None where it cannot."""
    held_kwh = 4.0
    for current_a in currents_a:
        held_kwh += current_a * KW if current_a > 0 else current_a * KW / V2G.efficiency
        if not V2G.floor_kwh - 1e-9 <= held_kwh <= BATTERY.capacity_kwh:
            return None
    if held_kwh < 4.0 - 1e-9:
        return None
    worn = sum(max(0.0, -current_a) * KW for current_a in currents_a) * V2G.wear_per_kwh
    asked = request(price=price, export_price=(0.05,) * 4, other_load_kw=(2.0,) * 4)
    return money(asked, [tuple(current_a * KW for current_a in currents_a)]) + worn


@pytest.mark.parametrize("price", [(0.6, 0.1, 0.5, 0.1), (0.3, 0.3, 0.3, 0.3), (0.2, 0.9, 0.2, 0.1)])
def test_no_other_use_of_the_car_is_cheaper(price: tuple[float, ...]):
    asked = request(CAR, price=price, export_price=(0.05,) * 4, other_load_kw=(2.0,) * 4, gap_target=0.0)
    made = plan(replace(asked, time_limit_s=20.0))
    costs = (car_cost(price, currents_a) for currents_a in itertools.product(CHOICES_A, repeat=4))
    best = min(cost for cost in costs if cost is not None)
    assert made.cost_by_term["energy"] + made.cost_by_term["vehicle_wear"] <= best + 0.005
    assert made.sessions[0].shortfall_kwh == 0.0


def test_without_time_for_the_solver_nobody_gives():
    made = plan(replace(request(replace(CAR, energy_kwh=2.0)), time_limit_s=1e-9))
    assert made.status is PlanStatus.FALLBACK
    assert made.sessions[0].discharge_kw == (0.0,) * 4
    assert made.sessions[0].shortfall_kwh == 0.0


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("battery", replace(CAR, battery=None)),
        ("likely", replace(CAR, energy_kwh=1.0, likely=(LikelyStay(1.0, NOW + timedelta(hours=4), 1.0),))),
        ("v2g.floor_kwh", replace(CAR, v2g=replace(V2G, floor_kwh=11.0))),
        ("v2g.min_discharge_a", replace(CAR, v2g=replace(V2G, min_discharge_a=-1.0))),
        ("v2g.max_discharge_a", replace(CAR, v2g=replace(V2G, max_discharge_a=5.0))),
        ("v2g.efficiency", replace(CAR, v2g=replace(V2G, efficiency=85.0))),
        ("v2g.wear_per_kwh", replace(CAR, v2g=replace(V2G, wear_per_kwh=float("nan")))),
    ],
)
def test_what_a_car_cannot_give_is_refused_and_named(field: str, wrong: ChargingNeed):
    with pytest.raises(InvalidInput) as refused:
        plan(request(wrong))
    assert refused.value.field == f"needs[car].{field}"
