"""Diving: what the relaxation leaves between off and minimum is decided, the relaxation solved again from its last basis, until
nothing is left undecided.

Deciding for "on" settles nearly everything at once: a session takes the energy its slot is raised by from slots well above the
minimum, while turning a slot off moves the little it had into another slot that was off, undecided again.
"""

from __future__ import annotations

import numpy as np

from optimizer.model.formulation import LinearProgram
from optimizer.model.kinds import SEMI_CONTINUOUS, SEMI_INTEGER
from optimizer.problem.horizon import Floats, Horizon, Ints
from optimizer.search.solve import Relaxation, Solver

TOLERANCE = 1e-6
"""Values below this are off; well above HiGHS' feasibility tolerance of 1e-7."""

MOST_ROUNDS = 20
"""What is still undecided then is left to rounding; four to six rounds settle nearly every site."""

WORTH_TURNING_ON = 0.25
"""Share of the minimum below which the first round turns off; later rounds turn on whatever fits."""


def dive(solver: Solver, horizon: Horizon, relaxation: Relaxation, start_kw: Floats | None = None) -> Floats:
    """Columns with power off or at least at its minimum but for what the limits or the time left undecided.

    Near a plan of `start_kw` (setpoints per slot [kW]) less has to be decided: what is on in both stays on.
    """
    lower, upper = settled(solver.program, horizon, relaxation.values)
    values = relaxation.values
    if np.any(lower > solver.program.lower) or np.any(upper < solver.program.upper):
        values = _or_else(solver.narrow(lower, upper), values)
    state = Narrowing(solver.program, horizon, values, lower, upper)
    if start_kw is not None:
        power = solver.program.columns["power"]
        state.keep_on(power.start + np.flatnonzero((start_kw > TOLERANCE) & (values[power] > TOLERANCE)))
    for turn in range(MOST_ROUNDS):
        if not state.decide(values, WORTH_TURNING_ON if turn == 0 else 0.0):
            break
        found = solver.narrow(state.lower, state.upper)
        if found is None:
            break
        values = found
    return values


def settled(program: LinearProgram, horizon: Horizon, values: Floats) -> tuple[Floats, Floats]:
    """Bounds of the columns in which every yes or no that a topic settles first is settled as the power in `values` suggests."""
    lower, upper = program.lower.copy(), program.upper.copy()
    for topic in program.topics:
        if topic.settled:
            quantities = topic.complete(horizon, values[program.columns["power"]])
            for family in topic.settled:
                lower[program.columns[family]] = quantities[family][program.places(family)]
                upper[program.columns[family]] = lower[program.columns[family]]
    return lower, upper


def _or_else(found: Floats | None, known: Floats) -> Floats:
    return known if found is None else found


class Narrowing:
    """Bounds of the columns, narrowed as columns are decided.

    `least`: least value above 0 of every column that is semi-..., 0 elsewhere; for columns not far from `near`. `left`:
    what every row's upper side leaves if its columns are as low in it as their bounds admit.
    """

    def __init__(self, program: LinearProgram, horizon: Horizon, near: Floats, lower: Floats, upper: Floats) -> None:
        self.lower, self.upper = lower, upper
        self.least = np.where(np.isin(program.kind, (SEMI_CONTINUOUS, SEMI_INTEGER)), program.least, 0.0)
        self.least[program.columns["power"]] = horizon.least_kw(near[program.columns["power"]])
        self.left = program.row_upper - program.matrix.maximum(0) @ self.lower - program.matrix.minimum(0) @ self.upper
        self._matrix = program.matrix.tocsc()

    def undecided(self, values: Floats) -> Ints:
        """Columns between off and their least value, not yet turned on."""
        between = (values > TOLERANCE) & (values < self.least - TOLERANCE)
        return np.flatnonzero(between & (self.lower < self.least))

    def decide(self, values: Floats, worth: float) -> bool:
        """Off below `worth` of the least value, else on, the highest first, where every row admits it; whether there was any."""
        columns = self.undecided(values)
        share = values[columns] / self.least[columns]
        for column in columns[np.argsort(-share, kind="stable")].tolist():
            if values[column] >= worth * self.least[column] and self._admits(column):
                self.lower[column] = self.least[column]
            else:
                self._turn_off(column)
        return len(columns) > 0

    def keep_on(self, columns: Ints) -> None:
        """On, as far as every row admits it."""
        for column in columns.tolist():
            if self._admits(column):
                self.lower[column] = self.least[column]

    def _admits(self, column: int) -> bool:
        """Whether a column can be on; if so its rows have less left."""
        rows, coefficients = self._entries(column)
        rise = np.maximum(coefficients, 0.0) * self.least[column]
        if np.any(rise > self.left[rows] + TOLERANCE):
            return False
        self.left[rows] -= rise
        return True

    def _turn_off(self, column: int) -> None:
        rows, coefficients = self._entries(column)
        self.left[rows] += np.minimum(coefficients, 0.0) * self.upper[column]
        self.upper[column] = 0.0

    def _entries(self, column: int) -> tuple[Ints, Floats]:
        part = slice(self._matrix.indptr[column], self._matrix.indptr[column + 1])
        return self._matrix.indices[part], self._matrix.data[part]
