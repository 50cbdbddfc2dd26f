"""Brute force agrees: on tiny sites no setpoints are cheaper than those of the plan, but for preferences, and none below its bound.

Every course of every device on a coarse grid is written out, and every combination of them that keeps the fuse is priced; no code of
the optimizer is used for that.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest

from cpms.domain.need import VehicleBattery, VehicleToGrid
from cpms.domain.plan import ChargingNeed, DemandPrice, Plan, PlanRequest
from cpms.domain.storage import Battery
from cpms.domain.units import power_kw
from optimizer import plan
from optimizer.questions.priorities import paid
from tests.optimizer.requests import feeder, need, request

STEPS = 3
VALLEY, PEAK, SUNNY = (0.3, 0.1, 0.2), (0.1, 0.5, 0.12), (0.25, 0.2, 0.3)
PREFERENCE_SHARE = 0.03
"""Of what everything would cost at the mean price: what is preferred for its own sake (earlier, steadier) may cost so much."""


@dataclass(frozen=True)
class Course:
    """What a device may do: net power drawn per step [kW], its own cost [money], and what it lacks in the end [kWh]."""

    net_kw: tuple[float, ...]
    cost: float = 0.0
    short_kwh: float = 0.0


def charging(asked: PlanRequest, one: ChargingNeed) -> Iterator[Course]:
    """Every row of setpoints that its station can be told; the vehicle stops when its need is met."""
    per_a = power_kw(1.0, asked.voltage_v, len(one.phases))
    for setpoints_kw in itertools.product(levels_kw(asked, one), repeat=STEPS):
        if not may_be_told(one, [kw / per_a for kw in setpoints_kw]):
            continue
        drawn, left_kwh = [], one.energy_kwh
        for kw in setpoints_kw:
            drawn.append(min(kw, left_kwh))
            left_kwh -= drawn[-1]
        yield Course(tuple(drawn), 0.0, left_kwh)


def giving(asked: PlanRequest, one: ChargingNeed) -> Iterator[Course]:
    """Every row of setpoints in either direction that keeps the driver's floor and leaves him what he needs."""
    assert one.v2g is not None
    assert one.battery is not None
    out = [-kw for kw in levels_kw(asked, one) if 0 < kw <= power_kw(one.v2g.max_discharge_a, asked.voltage_v, 3)]
    for row in itertools.product([*levels_kw(asked, one), *out], repeat=STEPS):
        held_kwh, lowest_kwh = one.battery.soc * one.battery.capacity_kwh, float("inf")
        wanted_kwh = held_kwh + one.energy_kwh
        for kw in row:
            held_kwh += kw if kw >= 0 else kw / one.v2g.efficiency
            lowest_kwh = min(lowest_kwh, held_kwh)
        if lowest_kwh >= one.v2g.floor_kwh - 1e-9 and held_kwh <= one.battery.capacity_kwh + 1e-9:
            worn = one.v2g.wear_per_kwh * -sum(min(kw, 0.0) for kw in row)
            yield Course(row, worn, max(0.0, wanted_kwh - held_kwh))


def storing(battery: Battery) -> Iterator[Course]:
    """Every row of powers that the battery can hold; what it holds in the end is worth what the request says."""
    assert battery.final_value_per_kwh is not None
    powers = np.linspace(-battery.max_discharge_kw, battery.max_charge_kw, 5).tolist()
    for row in itertools.product(powers, repeat=STEPS):
        held = battery.stored_kwh + np.cumsum([kw * 0.9 if kw > 0 else kw / 0.9 for kw in row])
        if held.min() >= -1e-9 and held.max() <= battery.capacity_kwh + 1e-9:
            yield Course(row, -battery.final_value_per_kwh * float(held[-1]))


def may_be_told(one: ChargingNeed, setpoints_a: list[float]) -> bool:
    """Whether a row of setpoints, an hour each, starts no more often and rises no faster than allowed."""
    changes = list(pairwise([one.current_a, *setpoints_a]))
    if one.max_starts is not None and sum(now > 0 >= before for before, now in changes) > one.max_starts:
        return False
    if one.max_rise_a_per_min is None:
        return True
    rise_a = 60 * one.max_rise_a_per_min
    started_a = max(rise_a, one.min_current_a)
    return all(now <= (before + rise_a if before else started_a) + 1e-6 for before, now in changes)


def levels_kw(asked: PlanRequest, one: ChargingNeed) -> list[float]:
    """The setpoints of a station."""
    count = round(one.max_current_a / one.step_a)
    on = [k * one.step_a for k in range(1, count + 1) if k * one.step_a >= one.min_current_a]
    on = [current_a for current_a in on if current_a in one.setpoints_a or not one.setpoints_a]
    return [0.0, *(power_kw(current_a, asked.voltage_v, len(one.phases)) for current_a in on)]


def combined(asked: PlanRequest, *devices: list[Course]) -> Iterator[tuple[float, tuple[float, ...]]]:
    """Money, and what each device lacks [kWh], of all combinations within the fuse."""
    limit_kw = 3 * power_kw(asked.feeders[0].limit_a[0], asked.voltage_v, 1)
    for courses in itertools.product(*devices):
        drawn_kw = [sum(kw) for kw in zip(*(course.net_kw for course in courses), strict=True)]
        if max(drawn_kw) <= limit_kw + 1e-9:
            cost = bill(asked, drawn_kw) + sum(course.cost for course in courses)
            yield cost, tuple(round(course.short_kwh, 9) for course in courses)


def cheapest(asked: PlanRequest, *devices: list[Course]) -> float:
    """Least money with which nobody lacks anything."""
    return min(cost for cost, short in combined(asked, *devices) if not any(short))


def bill(asked: PlanRequest, drawn_kw: list[float]) -> float:
    """Energy and demand [money] of what devices draw."""
    net_kw = [kw + other - sun for kw, other, sun in zip(drawn_kw, asked.other_load_kw, asked.solar_kw, strict=True)]
    prices = zip(net_kw, asked.import_price_per_kwh, asked.export_price_per_kwh, strict=True)
    cost = sum(max(kw, 0.0) * buying - max(-kw, 0.0) * selling for kw, buying, selling in prices)
    return cost + sum(one.price_per_kw * max(0.0, max(net_kw) - one.peak_so_far_kw) for one in asked.demand)


def site(*needs: ChargingNeed, price: tuple[float, ...], limit_a: float = 18.0) -> PlanRequest:
    """Steps of an hour, a fuse, sun in the second hour, and a peak that is paid for."""
    asked = request(
        *needs,
        count=STEPS,
        feeders=(feeder(STEPS, limit_a=limit_a),),
        price=price,
        export_price=(0.05, 0.04, 0.06),
        solar_kw=(0.0, 3.0, 0.5),
        demand=(DemandPrice(0.2, 3.0, (True,) * STEPS, 3600),),
        gap_target=0.0,
    )
    return replace(asked, time_limit_s=20.0)


def car(name: str, energy_kwh: float, **wishes: object) -> ChargingNeed:
    """On a station that knows 0, 6, 8 and 10 A."""
    return replace(need(name, energy_kwh, float(STEPS), max_current_a=10.0, step_a=2.0), **wishes)


def agrees(made: Plan, best: float, asked: PlanRequest) -> bool:
    """No dearer than the best but for preferences, and a bound that the best does not break."""
    wanted_kwh = sum(one.energy_kwh for one in asked.needs)
    preferred = PREFERENCE_SHARE * wanted_kwh * sum(asked.import_price_per_kwh) / STEPS
    assert made.bound is not None
    assert sum(session.shortfall_kwh for session in made.sessions) == pytest.approx(0.0, abs=1e-6)
    return paid(made) <= best + preferred and made.bound <= best + preferred


@pytest.mark.parametrize("price", [VALLEY, PEAK, SUNNY])
@pytest.mark.parametrize("energy_kwh", [(4.14, 9.66), (6.0, 11.0), (2.0, 13.0)])
def test_charging(price: tuple[float, ...], energy_kwh: tuple[float, float]):
    asked = site(car("a", energy_kwh[0]), car("b", energy_kwh[1]), price=price)
    best = cheapest(asked, *(list(charging(asked, one)) for one in asked.needs))
    assert agrees(plan(asked), best, asked)


@pytest.mark.parametrize("price", [VALLEY, PEAK, SUNNY])
@pytest.mark.parametrize(
    "station",
    [
        {"max_starts": 1},
        {"max_rise_a_per_min": 2.0 / 60.0},
        {"setpoints_a": (0.0, 6.0, 10.0)},
        {"max_starts": 1, "max_rise_a_per_min": 2.0 / 60.0},
        {"max_starts": 1, "setpoints_a": (0.0, 6.0, 10.0), "max_rise_a_per_min": 4.0 / 60.0},
    ],
)
def test_stations_that_start_seldom_rise_gently_or_know_few_setpoints(
    price: tuple[float, ...], station: dict[str, object]
):
    asked = site(car("a", 6.0, **station), car("b", 11.0, **station), price=price)
    best = cheapest(asked, *(list(charging(asked, one)) for one in asked.needs))
    assert agrees(plan(asked), best, asked)


@pytest.mark.parametrize("price", [VALLEY, PEAK, SUNNY])
def test_a_battery(price: tuple[float, ...]):
    battery = Battery("b", "root", 4.0, 2.0, 2.0, 2.0, 0.9, 0.9, final_value_per_kwh=0.0)
    asked = replace(site(car("a", 9.0), price=price), batteries=(battery,))
    best = cheapest(asked, list(charging(asked, asked.needs[0])), list(storing(battery)))
    assert agrees(plan(asked), best, asked)


@pytest.mark.parametrize("price", [VALLEY, PEAK, SUNNY])
def test_a_vehicle_that_gives_back(price: tuple[float, ...]):
    v2g = VehicleToGrid(2.0, 8.0, efficiency=0.9, wear_per_kwh=0.02)
    giver = car("g", 4.0, battery=VehicleBattery(30.0, 0.4), v2g=v2g)
    asked = site(giver, car("n", 6.0), price=price)
    best = cheapest(asked, list(giving(asked, giver)), list(charging(asked, asked.needs[1])))
    assert agrees(plan(asked), best, asked)


@pytest.mark.parametrize("limit_a", [6.0, 8.0, 12.0, 16.0])
def test_priorities(limit_a: float):
    asked = site(car("a", 12.0), car("b", 14.0, priority=1), price=VALLEY, limit_a=limit_a)
    courses = [list(charging(asked, one)) for one in asked.needs]
    first, second = min((short[1], short[0]) for _, short in combined(asked, *courses))
    lacking = {session.session_id: session.shortfall_kwh for session in plan(asked).sessions}
    assert lacking["b"] == pytest.approx(first, abs=1e-6)
    assert lacking["a"] == pytest.approx(second, abs=1e-6)
