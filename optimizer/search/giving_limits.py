"""Limits that what is given back loads, when setpoints are chosen: vector sums of currents, and phases of feeders the other way."""

from __future__ import annotations

import numpy as np

from optimizer.problem.horizon import Floats, Horizon, Ints

TOLERANCE_KW = 1e-5
"""A limit exceeded by less is kept: far below a setpoint."""


def within_limits_kw(horizon: Horizon, give_kw: Floats) -> Floats:
    """What is given per slot [kW], in setpoints, lowered until it keeps the limits that it loads by itself."""
    rows, slots, lowered_kw = horizon.limits.loaded_by_giving, horizon.slots, give_kw.copy()
    if not len(rows) or not give_kw.any():
        return give_kw
    loads = -horizon.limits.relieved[rows].tocsc()
    while True:
        left_kw = _left_kw(horizon, rows, lowered_kw)
        row, step = np.unravel_index(np.argmin(left_kw), left_kw.shape)
        if left_kw[row, step] >= -TOLERANCE_KW:
            return lowered_kw
        (mine,) = np.nonzero((slots.step == step) & (lowered_kw > 0))
        load = loads[[row]].toarray()[0][slots.point[mine]]
        s, worst = int(mine[np.argmax(load * lowered_kw[mine])]), float(np.max(load * lowered_kw[mine]))
        lowered_kw[s] = _lowered_kw(horizon, s, lowered_kw[s], -left_kw[row, step] * lowered_kw[s] / worst)


def _left_kw(horizon: Horizon, rows: Ints, give_kw: Floats) -> Floats:
    """What such limits leave to those who draw [kW]; below 0 where what is given is too much for them."""
    limits = horizon.limits
    return np.asarray(np.maximum(limits.headroom_kw[rows], 0.0) + limits.relieved[rows] @ horizon.at_points(give_kw))


def _lowered_kw(horizon: Horizon, s: int, give_kw: float, by_kw: float) -> float:
    """The next setpoint for giving that is lower by so much [kW] at least."""
    n, quantum_kw = int(horizon.slots.need[s]), float(horizon.slots.quantum_kw[s])
    fewer = max(1.0, np.ceil(by_kw / quantum_kw))
    grid = horizon.giving_of(n).of(s - horizon.slots.of(n).start)
    return float(grid.down(max(give_kw - fewer * quantum_kw, 0.0)))
