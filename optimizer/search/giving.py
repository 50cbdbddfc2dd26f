"""From what vehicles give in the relaxation to what their stations can be told: on the grid, never while charging, never below the
driver's floor."""

from __future__ import annotations

import numpy as np

from optimizer.model.topics.vehicle_to_grid import held_bounds_kwh, least_giving_kw
from optimizer.problem.horizon import Floats, Horizon, Ints

TINY_STEPS = 1e-6
"""Part of a setpoint step [-] that rounding errors may make of a multiple."""


def giving_setpoints_kw(horizon: Horizon, power_kw: Floats, give_kw: Floats, export_capped: bool) -> Floats:
    """Setpoints for giving [kW] near `give_kw`, both per slot, where less is charged (`power_kw`) than given.

    What flooring loses in a step is given back there by as many as it takes, one setpoint each, so that together they relieve as much
    as before; not where that might be too much (`export_capped`).
    """
    slots = horizon.slots
    most = np.rint(horizon.gives_kw[slots.need] / slots.quantum_kw)
    exact = np.where(give_kw > power_kw, give_kw, 0.0) / slots.quantum_kw
    multiple = np.floor(exact + TINY_STEPS)
    multiple[multiple * slots.quantum_kw < least_giving_kw(horizon) - TINY_STEPS] = 0.0
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


def supported_kw(horizon: Horizon, power_kw: Floats, give_kw: Floats) -> Floats:
    """What can be given of `give_kw` by vehicles that charge `power_kw` (both per slot [kW]) without going below their floor."""
    slots, least_kw, possible_kw = horizon.slots, least_giving_kw(horizon), give_kw.copy()
    for n in np.unique(slots.need[give_kw > 0]).tolist():
        need, mine = horizon.request.needs[n], slots.of(n)
        if need.v2g is None or need.battery is None:
            raise AssertionError(f"{need.session_id} gives nothing")
        floor_kwh, full_kwh = held_bounds_kwh(need)
        held_kwh = need.battery.soc * full_kwh
        for s in range(mine.start, mine.stop):
            hours, quantum_kw = float(slots.hours[s]), float(slots.quantum_kw[s])
            most_kw = (held_kwh - floor_kwh) * need.v2g.efficiency / hours
            if possible_kw[s] > most_kw:
                floored_kw = np.floor(most_kw / quantum_kw + TINY_STEPS) * quantum_kw
                possible_kw[s] = floored_kw if floored_kw >= least_kw[s] - TINY_STEPS else 0.0
            held_kwh += hours * (float(power_kw[s]) - float(possible_kw[s]) / need.v2g.efficiency)
            held_kwh = min(held_kwh, full_kwh)
    return possible_kw
