"""Diving: what the relaxation leaves between off and minimum is decided, the relaxation solved again from its last basis, until
nothing is left undecided.

Deciding for "on" settles nearly everything at once: a session takes the energy its slot is raised by from slots well above the
minimum, while turning a slot off moves the little it had into another slot that was off, undecided again.
"""

from __future__ import annotations

import numpy as np

from optimizer.formulation import LinearProgram
from optimizer.horizon import Floats, Horizon, Ints
from optimizer.kinds import SEMI_CONTINUOUS, SEMI_INTEGER
from optimizer.solve import Relaxation, Solver

TOLERANCE = 1e-6
"""Values below this are off; well above HiGHS' feasibility tolerance of 1e-7."""

MOST_ROUNDS = 20
"""What is still undecided then is left to rounding; four to six rounds settle nearly every site."""

WORTH_TURNING_ON = 0.25
"""Share of the minimum below which the first round turns off; later rounds turn on whatever fits."""


def dive(solver: Solver, horizon: Horizon, relaxation: Relaxation) -> Floats:
    """Columns with power off or at least at its minimum but for what the limits or the time left undecided."""
    program, values = solver.program, relaxation.values
    least = least_on(program, horizon)
    lower, upper = program.lower.copy(), program.upper.copy()
    for turn in range(MOST_ROUNDS):
        (open_,) = np.nonzero((values > TOLERANCE) & (values < least - TOLERANCE))
        if not len(open_):
            break
        share = values[open_] / least[open_]
        low = share < (WORTH_TURNING_ON if turn == 0 else 0.0)
        upper[open_[low]] = 0.0
        _turn_on(program, open_[~low][np.argsort(-share[~low], kind="stable")], least, lower, upper)
        found = solver.narrow(lower, upper)
        if found is None:
            break
        values = found
    return values


def least_on(program: LinearProgram, horizon: Horizon) -> Floats:
    """Least value above 0 of every column that is semi-..., 0 elsewhere."""
    least = np.where(np.isin(program.kind, (SEMI_CONTINUOUS, SEMI_INTEGER)), program.least, 0.0)
    least[program.columns["power"]] = horizon.min_kw[horizon.slots.need]
    return least


def _turn_on(program: LinearProgram, columns: Ints, least: Floats, lower: Floats, upper: Floats) -> None:
    """Raise the lower bounds of `columns` to their least value in this order; off where a row no longer admits it."""
    matrix = program.matrix.tocsc()
    left = program.row_upper - _least_activity(program, lower, upper)
    for column in columns.tolist():
        part = slice(matrix.indptr[column], matrix.indptr[column + 1])
        rows, rise = matrix.indices[part], np.maximum(matrix.data[part], 0.0) * least[column]
        if np.all(rise <= left[rows] + TOLERANCE):
            left[rows] -= rise
            lower[column] = least[column]
        else:
            upper[column] = 0.0


def _least_activity(program: LinearProgram, lower: Floats, upper: Floats) -> Floats:
    """Least that every row can be within the bounds of the columns."""
    return np.asarray(program.matrix.maximum(0) @ lower + program.matrix.minimum(0) @ upper)
