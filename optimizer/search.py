"""Rounds of restricted problems around the relaxation, widened while the certificate is not good enough."""

from __future__ import annotations

import time

import highspy
import numpy as np
from numpy.typing import NDArray

from optimizer.certify import complete, cost_of_terms, lower_bound, relative_gap
from optimizer.formulation import LinearProgram
from optimizer.horizon import Horizon
from optimizer.setpoints import expected_kw, to_setpoints
from optimizer.solve import TOLERANCE_KW, Relaxation, Restriction, solve_restricted

Floats = NDArray[np.float64]

WIDENING = (0.0, 0.1, 1.0)
"""Share of the remaining gap below which a slot's reduced cost re-opens it, per round. At 1 everything that could still improve the
plan is open, so that the last round is exact if it ends in time."""


def search(solver: highspy.Highs, horizon: Horizon, program: LinearProgram, relaxation: Relaxation) -> Floats:
    """Best setpoints per slot [kW] found in the request's time."""
    request = horizon.request
    ends_s = time.monotonic() + request.time_limit_s
    bound = lower_bound(program, relaxation.duals)
    power = relaxation.values[program.columns["power"]]
    best_kw = to_setpoints(horizon, power)
    best = cost_of_setpoints(program, horizon, best_kw)
    for widening in WIDENING:
        if relative_gap(best, bound) <= request.gap_target or time.monotonic() >= ends_s:
            break
        restriction = _restriction(horizon, program, relaxation, widening * (best - bound))
        target = bound + 0.3 * request.gap_target * max(abs(bound), 1.0)
        found_kw = solve_restricted(solver, program, restriction, target, ends_s - time.monotonic())
        if found_kw is None:
            continue
        found_kw = to_setpoints(horizon, found_kw)
        cost = cost_of_setpoints(program, horizon, found_kw)
        if cost < best:
            best, best_kw = cost, found_kw
    return best_kw


def cost_of_setpoints(program: LinearProgram, horizon: Horizon, setpoint_kw: Floats) -> float:
    """Objective [money] of what vehicles will draw under these setpoints."""
    return float(np.sum(cost_of_terms(program, complete(program, horizon, expected_kw(horizon, setpoint_kw)))))


def _restriction(horizon: Horizon, program: LinearProgram, relaxation: Relaxation, slack: float) -> Restriction:
    """Slots the relaxation turns off stay off and those at least at their minimum stay on, unless deciding otherwise would cost at
    most `slack` by their reduced cost."""
    least_kw = horizon.min_kw[horizon.slots.need]
    power = relaxation.values[program.columns["power"]]
    off, on = power <= TOLERANCE_KW, power >= least_kw - TOLERANCE_KW
    if slack > 0:
        reduced = (program.cost - program.matrix.T @ relaxation.duals)[program.columns["power"]]
        most_kw = horizon.max_kw[horizon.slots.need]
        off &= reduced * least_kw > slack
        on &= -reduced * most_kw > slack
    return Restriction(off & ~on, on, least_kw)
