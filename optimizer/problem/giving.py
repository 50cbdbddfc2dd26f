"""What vehicles may give back: at which power in each of their slots, and which need may at all."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cpms.domain.plan import PlanRequest
from cpms.domain.units import power_kw
from optimizer.problem.setpoint_grid import Grid
from optimizer.problem.slots import Slots

Floats = NDArray[np.float64]

TINY_STEPS = 1e-9
"""Part of a setpoint step [-] that rounding errors may make of a multiple."""

TINY_H = 1e-6


def gives_kw(request: PlanRequest) -> Floats:
    """Most power [kW] each need may give back on all its phases, 0 where it may not."""
    _, most = _multiples(request)
    quantum_kw = [power_kw(need.step_a, request.voltage_v, len(need.phases)) for need in request.needs]
    return np.asarray(most * quantum_kw)


def giving_grid(request: PlanRequest, slots: Slots, step_h: Floats, gone: Floats) -> Grid:
    """The setpoints of each slot for giving back [kW]; at most 0 where the need may not, or is not there for sure.

    Limits and peaks rely on what is given: it is planned only for whole steps, and with a chance of having left (`gone[s]`) that is no
    higher than limits are kept with against uncertain load (`chance_level`).
    """
    least, most = _multiples(request)
    quantum_kw = slots.quantum_kw
    sure = (slots.hours >= step_h[slots.step] - TINY_H) & (gone <= 1.0 - request.chance_level + TINY_STEPS)
    return Grid(quantum_kw, least[slots.need] * quantum_kw, np.where(sure, most[slots.need] * quantum_kw, 0.0))


def _multiples(request: PlanRequest) -> tuple[Floats, Floats]:
    """Least and most steps of current at which each need may give back."""
    least, most = np.zeros(len(request.needs)), np.zeros(len(request.needs))
    for n, need in enumerate(request.needs):
        if need.v2g is not None:
            least[n] = max(1.0, math.ceil(need.v2g.min_discharge_a / need.step_a - TINY_STEPS))
            most[n] = math.floor(need.v2g.max_discharge_a / need.step_a + TINY_STEPS)
    return least, np.where(most >= least, most, 0.0)
