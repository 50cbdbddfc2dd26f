"""From what vehicles give in the relaxation to what their stations can be told: on the grid, never while charging."""

from __future__ import annotations

import numpy as np

from optimizer.problem.horizon import Floats, Horizon, Ints

TINY_STEPS = 1e-6
"""Part of a setpoint step [-] that rounding errors may make of a multiple."""


def giving_setpoints_kw(horizon: Horizon, power_kw: Floats, give_kw: Floats, export_capped: bool) -> Floats:
    """Setpoints for giving [kW] near `give_kw`, both per slot, where less is charged (`power_kw`) than given.

    What flooring loses in a step is given back there by as many as it takes, one setpoint each, so that together they relieve as much
    as before; not where that might be too much (`export_capped`).
    """
    slots = horizon.slots
    most = np.rint(horizon.giving.most_kw / slots.quantum_kw)
    exact = np.where(give_kw > power_kw, give_kw, 0.0) / slots.quantum_kw
    multiple = np.floor(exact + TINY_STEPS)
    multiple[multiple * slots.quantum_kw < np.asarray(horizon.giving.least_kw) - TINY_STEPS] = 0.0
    if not export_capped:
        for inside in _givers_by_step(slots.step, multiple):
            _give_back(inside, exact, multiple, most, slots.quantum_kw)
    return np.asarray(multiple * slots.quantum_kw)


def _givers_by_step(step: Ints, multiple: Floats) -> list[Ints]:
    (givers,) = np.nonzero(multiple)
    order = givers[np.argsort(step[givers], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(step[order])) + 1) if len(order) else []


def _give_back(inside: Ints, exact: Floats, multiple: Floats, most: Floats, quantum_kw: Floats) -> None:
    """Round up where what was lost so far in the step comes to half a setpoint."""
    lost_kw = 0.0
    for s in inside.tolist():
        lost_kw += (exact[s] - multiple[s]) * quantum_kw[s]
        if lost_kw >= quantum_kw[s] / 2 and multiple[s] < most[s]:
            multiple[s] += 1
            lost_kw -= quantum_kw[s]
