"""Stationary batteries against every plan there is, on days small enough to try them all."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.plan import DemandPrice, PlanRequest, PlanStatus
from cpms.domain.storage import Battery
from optimizer import plan
from tests.optimizer.oracle import money
from tests.optimizer.requests import need, request

GRID_KW = tuple(quarter / 4 for quarter in range(-8, 9, 2))
BATTERY = Battery("b", "root", 4.0, 2.0, 2.0, 2.0, 1.0, 1.0, wear_per_kwh=0.01, final_value_per_kwh=0.2)


def battery_cost(asked: PlanRequest, power_kw: tuple[float, ...]) -> float | None:
    """Money of a site without vehicles whose battery takes `power_kw`; None where the battery cannot."""
    stored_kwh = BATTERY.stored_kwh
    for power in power_kw:
        stored_kwh += power
        if not 0 <= stored_kwh <= BATTERY.capacity_kwh:
            return None
    worn = sum(max(0.0, -power) for power in power_kw) * BATTERY.wear_per_kwh
    return money(asked, [power_kw]) + worn - 0.2 * (stored_kwh - BATTERY.stored_kwh)


@pytest.mark.parametrize("price", [(0.1, 0.5, 0.2, 0.4), (0.3, 0.3, 0.3, 0.3), (-0.2, 0.1, -0.1, 0.5)])
@pytest.mark.parametrize("demand", [(), (DemandPrice(0.5, 1.0, (True,) * 4, window_s=3600),)])
def test_no_other_use_of_the_battery_is_cheaper(price: tuple[float, ...], demand: tuple[DemandPrice, ...]):
    load_kw = (1.0, 3.0, 2.0, 3.0)
    asked = replace(
        request(price=price, export_price=(-0.3,) * 4, other_load_kw=load_kw, demand=demand, gap_target=0.0),
        batteries=(BATTERY,),
    )
    made = plan(asked)
    costs = (battery_cost(asked, power_kw) for power_kw in itertools.product(GRID_KW, repeat=4))
    best = min(cost for cost in costs if cost is not None)
    assert made.objective is not None
    assert best - 0.15 <= made.objective <= best + 1e-6  # which may lie between the powers that were tried


def test_without_time_for_the_solver_batteries_rest():
    asked = replace(request(need()), batteries=(BATTERY,), time_limit_s=1e-9)
    made = plan(asked)
    assert made.status is PlanStatus.FALLBACK
    assert made.batteries[0].power_kw == (0.0,) * 4
    assert made.batteries[0].stored_kwh == (2.0,) * 4


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("feeder_id", {"feeder_id": "nowhere"}),
        ("capacity_kwh", {"capacity_kwh": 0.0}),
        ("stored_kwh", {"stored_kwh": 5.0}),
        ("reserve_kwh", {"reserve_kwh": -1.0}),
        ("max_charge_kw", {"max_charge_kw": float("nan")}),
        ("max_discharge_kw", {"max_discharge_kw": -2.0}),
        ("wear_per_kwh", {"wear_per_kwh": -0.1}),
        ("charge_efficiency", {"charge_efficiency": 95.0}),
        ("discharge_efficiency", {"discharge_efficiency": 0.0}),
        ("final_value_per_kwh", {"final_value_per_kwh": float("inf")}),
        ("phases", {"phases": ()}),
    ],
)
def test_a_battery_that_cannot_be_is_refused_and_named(field: str, wrong: dict[str, float]):
    with pytest.raises(InvalidInput) as refused:
        plan(replace(request(), batteries=(replace(BATTERY, **wrong),)))
    assert refused.value.field == f"batteries[b].{field}"


def test_two_batteries_of_one_name_are_refused():
    with pytest.raises(InvalidInput, match="more than once"):
        plan(replace(request(), batteries=(BATTERY, BATTERY)))
