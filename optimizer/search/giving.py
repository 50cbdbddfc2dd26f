"""From what vehicles give in the relaxation to what their stations can be told: on the grid, never while charging."""

from __future__ import annotations

import numpy as np

from optimizer.problem.horizon import Floats, Horizon, Ints

DUST_KWH = 1e-6
"""Energy below this is none."""

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


def affordable_kw(horizon: Horizon, setpoint_kw: Floats, give_kw: Floats) -> Floats:
    """What is given [kW], lowered in the cheapest steps until no vehicle lacks anything of its need for it that tapers: what it
    accepts as it fills is less than the relaxation believes."""
    lowered_kw = give_kw.copy()
    for n in horizon.tapering:
        if horizon.gives_kw[n] > 0 and horizon.certain[n] > 0:
            mine = horizon.slots.of(n)
            lowered_kw[mine] = _afforded_kw(horizon, n, setpoint_kw[mine], give_kw[mine])
    return lowered_kw


def _afforded_kw(horizon: Horizon, n: int, setpoint_kw: Floats, give_kw: Floats) -> Floats:
    slots, meters, one, grid = horizon.slots, horizon.meters, horizon.held[n], horizon.giving_of(n)
    mine, now_kw = slots.of(n), give_kw.copy()
    hours, price = slots.hours[mine], meters.expected_price[meters.of_point[n], slots.step[mine]]
    while True:
        drawn_kw, now_kw = one.told(setpoint_kw, now_kw, hours, np.inf, grid)
        missing_kwh = horizon.need_kwh[n] - float(one.net_kw(drawn_kw, now_kw) @ hours)
        (giving,) = np.nonzero(now_kw)
        if missing_kwh <= DUST_KWH or not len(giving):
            return now_kw
        i = int(giving[np.argmin(price[giving])])
        quantum_kw = float(grid.of(i).quantum_kw)
        less = max(1.0, np.floor(missing_kwh * one.efficiency / float(hours[i]) / quantum_kw))
        now_kw[i] = float(grid.of(i).down(max(now_kw[i] - less * quantum_kw, 0.0)))
