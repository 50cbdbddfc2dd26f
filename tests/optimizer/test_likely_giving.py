"""Likely days on which a vehicle gives back: one use of it for all of them, against every use there is, each day priced by itself."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cpms.domain.plan import Coming, DemandPrice, LikelyDay, PlanRequest
from optimizer import plan
from tests.optimizer.model.topics.test_vehicle_to_grid import (
    BATTERY,
    CAR,
    CHOICES_A,
    V2G,
    held_after_kwh,
    levels_of,
)
from tests.optimizer.requests import request

Floats = NDArray[np.float64]

PRICE, EXPORT = (0.3, 0.1, 0.5, 0.2), (0.05, 0.02, 0.08, 0.04)
PEAK_PRICE, SO_FAR_KW = 0.4, 3.0
CROWD_KW, STEP_KW = 8.0, 0.1
"""Most that who may come draws, and how finely their power is tried."""

NEAR = 0.02
"""Money: what is preferred for its own sake, and what lies between the powers that are tried for who may come."""


def asked(*days: LikelyDay) -> PlanRequest:
    """A car that leaves with what it came with, a peak that is paid for."""
    demand = DemandPrice(PEAK_PRICE, SO_FAR_KW, (True,) * 4, 3600)
    made = request(CAR, price=PRICE, export_price=EXPORT, other_load_kw=(3.0,) * 4, demand=(demand,), gap_target=0.0)
    return replace(made, likely=days, time_limit_s=20.0, shortfall_price_per_kwh=20.0)


def uses() -> Floats:
    """Net power per hour [kW] of every use of the car that leaves it with what it came with."""
    every = itertools.product(CHOICES_A, repeat=4)
    rows = (levels_of(told, lambda held, told_kw: min(told_kw, BATTERY.capacity_kwh - held)) for told in every)
    return np.array([row for row in rows if row is not None and held_after_kwh(row) >= 4.0 - 1e-9])


def day_cost(net_kw: Floats) -> Floats:
    """Energy and demand [money] of a day, of net power in the last axis [kW]."""
    energy = np.maximum(net_kw, 0.0) @ np.array(PRICE) - np.maximum(-net_kw, 0.0) @ np.array(EXPORT)
    return np.asarray(energy + PEAK_PRICE * np.maximum(net_kw.max(axis=-1) - SO_FAR_KW, 0.0))


def coming_kw(day: LikelyDay) -> Floats:
    """Every way in which those who come on a day may be served between the second and the last hour."""
    needed_kwh = sum(coming.least_kwh[-1] for coming in day.coming)
    first_kw = np.arange(0.0, min(CROWD_KW, needed_kwh) + 1e-9, STEP_KW)
    first_kw = first_kw[needed_kwh - first_kw <= CROWD_KW + 1e-9]
    nothing = np.zeros_like(first_kw)
    return np.column_stack([nothing, nothing, first_kw, needed_kwh - first_kw])


def least_cost(request: PlanRequest) -> float:
    """Money for the best use of the car, and the best service of who comes on each day."""
    car_kw = uses()
    cost = V2G.wear_per_kwh * np.maximum(-car_kw, 0.0).sum(axis=1)
    for day in request.likely:
        load_kw = np.array(day.other_load_kw or request.other_load_kw) - np.array(day.solar_kw or request.solar_kw)
        net_kw = load_kw + car_kw[:, None, :] + coming_kw(day)
        cost = cost + day.probability * day_cost(net_kw).min(axis=1)
    return float(cost.min())


def someone(kwh: float) -> Coming:
    """Who needs so much in the last two hours [kWh]."""
    least = (0.0, 0.0, max(0.0, kwh - CROWD_KW), kwh)
    return Coming("root", least, (0.0, 0.0, min(kwh, CROWD_KW), kwh), (0.0, 0.0, CROWD_KW, CROWD_KW))


@pytest.mark.parametrize(
    "days",
    [
        pytest.param((LikelyDay(0.5, (someone(9.0),)), LikelyDay(0.5)), id="somebody may come"),
        pytest.param((LikelyDay(0.1, (someone(12.0),)), LikelyDay(0.9)), id="hardly anybody comes"),
        pytest.param((LikelyDay(0.6, (someone(4.0),)), LikelyDay(0.4, (someone(14.0),))), id="few or many"),
        pytest.param(
            (LikelyDay(0.5, (), (1.0, 1.0, 5.0, 3.0)), LikelyDay(0.5, (), (4.0, 3.0, 1.0, 3.0))), id="load may shift"
        ),
        pytest.param((LikelyDay(0.7, (), (), (0.0, 6.0, 4.0, 0.0)), LikelyDay(0.3)), id="sun may come"),
        pytest.param(
            (LikelyDay(0.4, (someone(6.0),), (5.0, 4.0, 3.0, 3.0)), LikelyDay(0.6, (), (3.0, 3.0, 8.0, 3.0))),
            id="load and who comes",
        ),
    ],
)
def test_no_other_use_of_the_car_is_cheaper_on_average(days: tuple[LikelyDay, ...]):
    request = asked(*days)
    best, made = least_cost(request), plan(request)
    terms = ("energy", "demand", "likely", "vehicle_wear")
    cost = sum(made.cost_by_term.get(name, 0.0) for name in terms)
    assert made.sessions[0].shortfall_kwh == pytest.approx(0.0, abs=1e-6)
    assert best - NEAR <= cost <= best + NEAR
    assert made.bound is not None
    assert made.bound <= best + NEAR


def test_who_may_come_changes_when_the_car_gives():
    nobody, somebody = asked(LikelyDay(1.0)), asked(LikelyDay(1.0, (someone(14.0),)))
    alone, crowded = plan(nobody).sessions[0], plan(somebody).sessions[0]
    assert alone.discharge_kw != crowded.discharge_kw
    assert crowded.discharge_kw[3] > alone.discharge_kw[3]
