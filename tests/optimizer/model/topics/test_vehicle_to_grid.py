"""Vehicles that give energy back, against every use of them there is, on days small enough to try them all."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.need import AcceptancePoint, LikelyStay, PhaseSwitching, VehicleBattery, VehicleToGrid
from cpms.domain.plan import ChargingNeed, PlanStatus
from cpms.domain.units import PHASES, Phase
from optimizer import plan
from optimizer.problem.acceptance import Acceptance
from tests.optimizer.oracle import assert_certified, money
from tests.optimizer.requests import NOW, feeder, need, request

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


def levels_of(currents_a: tuple[float, ...], drawn_kw: Callable[[float, float], float]) -> tuple[float, ...] | None:
    """What the car draws and gives [kW] when told `currents_a`, in hours, `drawn_kw` of it by what it holds; None below its floor."""
    held_kwh, net_kw = 4.0, []
    for current_a in currents_a:
        told_kw = current_a * KW
        net_kw.append(drawn_kw(held_kwh, told_kw) if told_kw > 0 else told_kw)
        held_kwh += net_kw[-1] if net_kw[-1] > 0 else net_kw[-1] / V2G.efficiency
        if held_kwh < V2G.floor_kwh - 1e-9:
            return None
    return tuple(net_kw)


def held_after_kwh(net_kw: Sequence[float]) -> float:
    return 4.0 + sum(kw if kw > 0 else kw / V2G.efficiency for kw in net_kw)


def paid(price: tuple[float, ...], net_kw: Sequence[float]) -> float:
    """Money for what the car draws and gives, and its wear."""
    asked = request(price=price, export_price=(0.05,) * 4, other_load_kw=(2.0,) * 4)
    return money(asked, [tuple(net_kw)]) - sum(min(kw, 0.0) for kw in net_kw) * V2G.wear_per_kwh


TAPERING = replace(BATTERY, acceptance=(AcceptancePoint(0.4, 3.0), AcceptancePoint(1.0, 1.0)))


@pytest.mark.parametrize("price", [(0.6, 0.1, 0.5, 0.1), (0.9, 0.3, 0.1, 0.1), (0.2, 0.9, 0.2, 0.1)])
def test_a_car_that_tapers_gives_only_what_it_gets_again(price: tuple[float, ...]):
    car = replace(CAR, battery=TAPERING, energy_kwh=2.0)
    asked = request(car, price=price, export_price=(0.05,) * 4, other_load_kw=(2.0,) * 4, gap_target=0.0)
    made = plan(replace(asked, time_limit_s=20.0, shortfall_price_per_kwh=20.0))
    curve = Acceptance.of(TAPERING)
    every = itertools.product(CHOICES_A, repeat=4)
    courses = (levels_of(told, lambda held, told_kw: curve.filled_kwh(held, told_kw, 1.0)) for told in every)
    best = min(paid(price, net_kw) for net_kw in courses if net_kw and held_after_kwh(net_kw) >= 6.0 - 1e-9)
    session = made.sessions[0]
    net_kw = [taken - given for taken, given in zip(session.power_kw, session.discharge_kw, strict=True)]
    assert session.shortfall_kwh == pytest.approx(0.0, abs=1e-6)
    assert held_after_kwh(net_kw) >= 6.0 - 1e-6
    assert paid(price, net_kw) <= 1.1 * best  # within an hour the relaxation knows tapering by lines above it only
    assert made.bound is not None
    assert made.bound <= best + 0.02


STAYS = ((2.0, 2), (1.0, 4))
"""What it may want [kWh], and when it may leave [h]."""


def expected(price: tuple[float, ...], chances: tuple[float, float], net_kw: Sequence[float]) -> tuple[float, float]:
    """Money for who may leave early, and what is missing then [kWh], both on average."""
    money_paid = missing_kwh = 0.0
    for (kwh, hours), chance in zip(STAYS, chances, strict=True):
        there_kw = [*net_kw[:hours], *[0.0] * (4 - hours)]
        money_paid += chance * paid(price, there_kw)
        missing_kwh += chance * max(0.0, 4.0 + kwh - held_after_kwh(there_kw))
    return money_paid, missing_kwh


@pytest.mark.parametrize("price", [(0.6, 0.1, 0.5, 0.1), (0.9, 0.3, 0.1, 0.1), (0.3, 0.2, 0.9, 0.1)])
@pytest.mark.parametrize("early", [0.03, 0.5])
def test_a_car_that_may_leave_early_gives_while_it_is_surely_there(price: tuple[float, ...], early: float):
    chances, worth = (early, 1.0 - early), 20.0
    stays = zip(STAYS, chances, strict=True)
    likely = tuple(LikelyStay(kwh, NOW + timedelta(hours=hours), chance) for (kwh, hours), chance in stays)
    car = replace(CAR, energy_kwh=2.0, likely=likely)
    asked = request(car, price=price, export_price=(0.05,) * 4, other_load_kw=(2.0,) * 4, gap_target=0.0)
    session = plan(replace(asked, time_limit_s=20.0, shortfall_price_per_kwh=worth)).sessions[0]
    sure = 4 if early < 0.05 else 2
    choices = (CHOICES_A if t < sure else tuple(a for a in CHOICES_A if a >= 0) for t in range(4))
    courses = (levels_of(told, lambda held, told_kw: min(told_kw, 10.0 - held)) for told in itertools.product(*choices))
    costs = (expected(price, chances, net_kw) for net_kw in courses if net_kw)
    best = min(cost + worth * missing_kwh for cost, missing_kwh in costs)
    net_kw = [taken - given for taken, given in zip(session.power_kw, session.discharge_kw, strict=True)]
    cost, missing_kwh = expected(price, chances, net_kw)
    assert cost + worth * missing_kwh <= best + 0.02
    assert session.shortfall_kwh == pytest.approx(missing_kwh, abs=1e-6)
    assert not any(session.discharge_kw[sure:])


def test_what_is_on_its_way_is_charged_first_and_may_be_given_later():
    car = replace(CAR, frozen_a=(12.0,), energy_kwh=0.0)
    made = plan(replace(request(car, price=(0.1, 0.9, 0.9, 0.1), other_load_kw=(3.0,) * 4), time_limit_s=20.0))
    session = made.sessions[0]
    assert session.current_a[0] == 12.0
    assert session.power_kw[0] == pytest.approx(12.0 * KW)
    assert session.discharge_kw[0] == 0.0
    assert sum(session.discharge_kw[1:3]) >= 12.0 * KW * V2G.efficiency - 2.0 * KW
    assert session.shortfall_kwh == 0.0


def test_without_time_for_the_solver_nobody_gives():
    made = plan(replace(request(replace(CAR, energy_kwh=2.0)), time_limit_s=1e-9))
    assert made.status is PlanStatus.FALLBACK
    assert made.sessions[0].discharge_kw == (0.0,) * 4
    assert made.sessions[0].shortfall_kwh == 0.0


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("battery", replace(CAR, battery=None)),
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


@pytest.mark.parametrize("count", [1, 2])
def test_more_than_is_needed_may_be_on_its_way_to_a_vehicle_that_gives(count: int):
    made = plan(request(replace(CAR, frozen_a=(12.0,)), count=count))
    assert_certified(made)
    assert made.sessions[0].shortfall_kwh == 0.0


@pytest.mark.parametrize("switching", [None, PhaseSwitching(Phase.L1, 0.0)])
def test_who_could_not_charge_still_gives_where_other_load_exceeds_a_limit(switching: PhaseSwitching | None):
    phases = (Phase.L1,) if switching is None else PHASES
    car = replace(CAR, phases=phases, switching=switching, battery=VehicleBattery(capacity_kwh=40.0, soc=0.5))
    full_at_first = replace(feeder(4, limit_a=20.0), other_load_kw=(3 * 28.0 * KW, 0.0, 0.0, 0.0))
    made = plan(replace(request(car, feeders=(full_at_first,)), time_limit_s=20.0))
    assert made.sessions[0].discharge_a[0] == 8.0
    assert {limit.phase for limit in made.relaxed} == set(PHASES) - set(phases)
    assert made.sessions[0].shortfall_kwh == 0.0
