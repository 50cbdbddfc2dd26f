"""Setpoints of a list, where a station knows no others: in the whole choice each is a yes or no of its own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.model.formulation import LinearProgram
from optimizer.problem.horizon import Floats, Horizon, Ints

TINY_STEPS = 1e-6
"""Part of a setpoint step [-] that rounding errors may make of a multiple."""

Block = list[csr_array | None]

Rows = tuple[Block, Floats]
"""Coefficients of a program's own columns, of `on`, `permitted`, `stops` and `level`, and what rows are at most."""


class Levels(NamedTuple):
    """Every setpoint of a list, in multiples of its quantum, in every slot that knows it."""

    slot: Ints
    multiple: Ints


def levels_of(program: LinearProgram) -> Levels:
    """Those of a program that has a column for each."""
    return Levels(*np.array(program.index["level"], dtype=np.int64).reshape(-1, 2).T)


def listed(horizon: Horizon, s: Ints) -> Levels:
    """Of the slots `s` those with a list, and their setpoints."""
    slot, multiple = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for one in s.tolist():
        levels = horizon.conduct[int(horizon.slots.need[one])].grid.levels
        if levels is not None:
            slot.append(np.full(len(levels), one))
            multiple.append(levels.astype(np.int64))
    return Levels(np.concatenate(slot), np.concatenate(multiple))


def choosing(horizon: Horizon, s: Ints, levels: Levels) -> list[Rows]:
    """What is permitted is one setpoint of the list where it is on, and none where it is off."""
    inside, row = np.unique(levels.slot, return_inverse=True)
    count, zero = len(inside), np.zeros(len(inside))
    setpoint_kw = levels.multiple * horizon.slots.quantum_kw[levels.slot]
    at = csr_array((np.ones(count), (np.arange(count), np.searchsorted(s, inside))), shape=(count, len(s)))
    shape, places = (count, len(levels.slot)), (row, np.arange(len(levels.slot)))
    setpoints, any_ = (csr_array((part, places), shape=shape) for part in (setpoint_kw, np.ones(len(levels.slot))))
    return [
        ([None, None, at, None, -setpoints], zero),
        ([None, None, -at, None, setpoints], zero),
        ([None, at, None, None, -any_], zero),
        ([None, -at, None, None, any_], zero),
    ]


def next_to(horizon: Horizon, levels: Levels, power_kw: Floats) -> NDArray[np.bool_]:
    """Whether each is the setpoint just below or above the power of its slot [kW]; none is where that is off."""
    wanted = power_kw[levels.slot] / horizon.slots.quantum_kw[levels.slot]
    first = np.diff(levels.slot, prepend=-1) > 0
    below = np.where(first, 0, np.roll(levels.multiple, 1))
    above = np.where(np.roll(first, -1), np.inf, np.roll(levels.multiple, -1))
    return np.asarray((below < wanted - TINY_STEPS) & (wanted < above - TINY_STEPS))
