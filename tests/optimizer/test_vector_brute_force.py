"""Brute force agrees where vector sums of currents are limited: every course of setpoints is written out, in both directions and on
either set of phases, and every combination that keeps the limit whatever part of it is drawn is priced."""

from __future__ import annotations

import cmath
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from cpms.domain.need import PhaseSwitching, VehicleBattery, VehicleToGrid
from cpms.domain.plan import ChargingNeed, PhasorLimit, PlanRequest
from cpms.domain.units import power_kw
from optimizer import plan
from tests.optimizer.oracle import exceeded_limits
from tests.optimizer.test_brute_force import (
    PEAK,
    STEPS,
    SUNNY,
    VALLEY,
    Course,
    agrees,
    bill,
    car,
    charging,
    giving,
    site,
)

SETPOINTS = (0.0, 6.0, 10.0)


@dataclass(frozen=True)
class Turned:
    """A course with what of it may be drawn, and what is given, in the limited current [A] per step."""

    course: Course
    drawn_a: tuple[complex, ...]
    given_a: tuple[complex, ...] = (0j,) * STEPS


def charged(asked: PlanRequest, one: ChargingNeed, turn: complex) -> Iterator[Turned]:
    """Of a vehicle that charges on all its phases; it may draw the whole setpoint until its need is met in that step."""
    per_a = power_kw(1.0, asked.voltage_v, len(one.phases))
    for course in charging(asked, one):
        told_kw = [next(kw for a in SETPOINTS if (kw := a * per_a) >= drawn - 1e-9) for drawn in course.net_kw]
        yield Turned(course, tuple(turn * kw / per_a for kw in told_kw))


def switched(asked: PlanRequest, one: ChargingNeed, turn: complex, single_turn: complex) -> Iterator[Turned]:
    """Of a vehicle that in every step draws on all its phases or on a single one."""
    ways = {(a, single) for a in SETPOINTS for single in (False, True) if a or not single}
    for row in itertools.product(sorted(ways), repeat=STEPS):
        drawn, left_kwh = [], one.energy_kwh
        for current_a, single in row:
            drawn.append(min(power_kw(current_a, asked.voltage_v, 1 if single else 3), left_kwh))
            left_kwh -= drawn[-1]
        told = tuple(current_a * (single_turn if single else turn) for current_a, single in row)
        yield Turned(Course(tuple(drawn), 0.0, left_kwh), told)


def given_back(asked: PlanRequest, one: ChargingNeed, turn: complex) -> Iterator[Turned]:
    """Of a vehicle that may give back."""
    per_a = power_kw(1.0, asked.voltage_v, len(one.phases))
    for course in giving(asked, one):
        drawn, given = ([max(sign * kw, 0.0) / per_a * turn for kw in course.net_kw] for sign in (1, -1))
        yield Turned(course, tuple(drawn), tuple(given))


def within(limit: PhasorLimit, turned: tuple[Turned, ...]) -> bool:
    """Whether the vector sum is kept in every step, whoever of those that may draw does."""
    return all(
        abs(sum(drawn for drawn, on in zip(may_draw, some, strict=True) if on) - given) <= limit_a + 1e-9
        for limit_a, *now in zip(
            limit.limit_a, *(zip(one.drawn_a, one.given_a, strict=True) for one in turned), strict=True
        )
        for may_draw, given in [([drawn for drawn, _ in now], sum(given for _, given in now))]
        for some in itertools.product((False, True), repeat=len(now))
    )


def cheapest(asked: PlanRequest, *devices: list[Turned]) -> float:
    """Least money with which nobody lacks anything; infinite where somebody has to."""
    (limit,) = asked.phasor_limits
    best = np.inf
    for turned in itertools.product(*([one for one in device if one.course.short_kwh <= 1e-9] for device in devices)):
        drawn_kw = [sum(kw) for kw in zip(*(one.course.net_kw for one in turned), strict=True)]
        cost = bill(asked, drawn_kw) + sum(one.course.cost for one in turned)
        if cost < best and within(limit, turned):
            best = cost
    return best


def limited(
    asked: PlanRequest, limit_a: float, turns: tuple[complex, ...], single: complex | None = None
) -> PlanRequest:
    keys = [one.connector for one in asked.needs]
    singles = {} if single is None else {keys[0]: single}
    limit = PhasorLimit("line", (limit_a,) * STEPS, dict(zip(keys, turns, strict=True)), single_turns=singles)
    return replace(asked, phasor_limits=(limit,))


def at(degrees: float, size: float = 1.0) -> complex:
    return cmath.rect(size, math.radians(degrees))


@pytest.mark.parametrize("price", [PEAK, SUNNY])
@pytest.mark.parametrize("angle_deg", [0.0, 120.0, 180.0])
@pytest.mark.parametrize("limit_a", [14.0, 18.0])
def test_one_gives_back_beside_another_that_charges(price: tuple[float, ...], angle_deg: float, limit_a: float):
    battery, v2g = VehicleBattery(30.0, 0.4), VehicleToGrid(2.0, 10.0, efficiency=0.9, wear_per_kwh=0.02)
    giver = car("g", 4.0, battery=battery, v2g=v2g, setpoints_a=SETPOINTS)
    asked = site(giver, car("n", 17.0, setpoints_a=SETPOINTS), price=price, limit_a=100.0)
    asked = limited(asked, limit_a, (at(0.0), at(angle_deg)))
    other = list(charged(asked, asked.needs[1], at(angle_deg)))
    best, made = cheapest(asked, list(given_back(asked, giver, at(0.0))), other), plan(asked)
    assert np.isfinite(best)
    assert exceeded_limits(asked, made) == []
    assert agrees(made, best, asked)


@pytest.mark.parametrize("angle_deg", [0.0, -120.0])
@pytest.mark.parametrize("limit_a", [6.0, 10.0, 14.0])
def test_one_switches_to_a_phase_that_the_other_loads(angle_deg: float, limit_a: float):
    switching = PhaseSwitching(min_dwell_s=0.0)
    asked = site(
        car("a", 4.14, switching=switching, setpoints_a=SETPOINTS),
        car("n", 4.14, setpoints_a=SETPOINTS),
        price=VALLEY,
        limit_a=100.0,
    )
    asked = limited(asked, limit_a, (0j, at(0.0)), at(angle_deg))
    devices = (
        list(switched(asked, asked.needs[0], 0j, at(angle_deg))),
        list(charged(asked, asked.needs[1], at(0.0))),
    )
    best, made = cheapest(asked, *devices), plan(asked)
    assert exceeded_limits(asked, made) == []
    assert agrees(made, best, asked)
