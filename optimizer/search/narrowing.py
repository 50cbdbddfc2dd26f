"""Narrowing: the relaxation with some columns decided to be off, or at least at their minimum."""

from __future__ import annotations

from copy import copy

import numpy as np

from optimizer.model.formulation import LinearProgram
from optimizer.model.kinds import SEMI_CONTINUOUS, SEMI_INTEGER
from optimizer.problem.horizon import Floats, Horizon, Ints
from optimizer.search.setpoints import completing

TOLERANCE = 1e-6
"""Values below this are off; well above HiGHS' feasibility tolerance of 1e-7."""


class Narrowing:
    """Bounds of the columns, narrowed as columns are decided.

    `least`: least value above 0 of every column that is semi-..., 0 elsewhere; for columns not far from `near`. `left`:
    what every row's upper side leaves if its columns are as low in it as their bounds admit.
    """

    def __init__(self, program: LinearProgram, horizon: Horizon, near: Floats) -> None:
        self.lower, self.upper = program.lower.copy(), program.upper.copy()
        self.least = np.where(np.isin(program.kind, (SEMI_CONTINUOUS, SEMI_INTEGER)), program.least, 0.0)
        power_kw = near[program.columns["power"]]
        give_kw = program.whole("give", near, len(power_kw))
        self.least[program.columns["power"]] = horizon.least_kw(power_kw, give_kw)
        self.left = program.row_upper - program.matrix.maximum(0) @ self.lower - program.matrix.minimum(0) @ self.upper
        self._widest = program.lower, program.upper
        self._program, self._horizon = program, horizon
        self._matrix = program.matrix.tocsc()
        self._limits = program.rows.get("limit", slice(0, 0))
        self._limit_matrix = program.matrix[self._limits]

    def copy(self) -> Narrowing:
        """Another one with the same decisions."""
        other = copy(self)
        other.lower, other.upper, other.left = self.lower.copy(), self.upper.copy(), self.left.copy()
        return other

    def settle(self, values: Floats) -> bool:
        """Every yes or no still open that the topics settle as `values` suggest; whether there was any."""
        settled = False
        for topic in self._program.topics:
            for family, answer in topic.settle(self._horizon, lambda name: values[self._program.columns[name]]).items():
                part = self._program.columns[family]
                open_ = ~np.isnan(answer) & (self.lower[part] < self.upper[part])
                for column, settled_at in zip(part.start + np.flatnonzero(open_), answer[open_], strict=True):
                    self._fix(int(column), float(settled_at))
                settled |= bool(open_.any())
        return settled

    def undecided(self, values: Floats) -> Ints:
        """Columns between off and their least value, not yet turned on."""
        between = (values > TOLERANCE) & (values < self.least - TOLERANCE) & (self.lower < self.least)
        between[self.completing(values)] = False
        return np.flatnonzero(between)

    def completing(self, values: Floats) -> Ints:
        """Columns of power in which a need is met with less than the minimum, where every limit admits that the minimum is permitted:
        the vehicle stops by itself."""
        power = self._program.columns["power"]
        columns = power.start + completing(self._horizon, values[power])
        more = np.zeros(len(values))
        more[columns] = np.maximum(self.least[columns] - values[columns], 0.0)
        full = self._limit_matrix @ (values + more) > self._program.row_upper[self._limits] + TOLERANCE
        beyond = full.astype(np.float64) @ self._limit_matrix if full.any() else np.zeros(len(values))
        admitted: Ints = columns[beyond[columns] == 0]
        return admitted

    def decide(self, values: Floats, worth: float) -> bool:
        """Off below `worth` of the least value, else on, the highest first, where every row admits it; whether there was any."""
        columns = self.undecided(values)
        share = values[columns] / self.least[columns]
        for column in columns[np.argsort(-share, kind="stable")].tolist():
            if values[column] < worth * self.least[column] or not self.turn_on(column):
                self.turn_off(column)
        return len(columns) > 0

    def regret(self, reduced: Floats) -> Floats:
        """What the decision on each column costs [money], by the reduced costs of the narrowed relaxation; 0 where it is open."""
        turned_on = (self.lower >= self.least) & (self.lower > self._widest[0])
        turned_off = (self.upper <= 0) & (self._widest[1] > 0)
        return np.where(turned_on, reduced * self.least, np.where(turned_off, -reduced * self.least, 0.0))

    def flip(self, column: int) -> None:
        """Turn a column on that was turned off, as far as every row admits it, or off if it was turned on."""
        was_on = self.lower[column] > self._widest[0][column]
        self._open(column)
        if was_on:
            self.turn_off(column)
        else:
            self.turn_on(column)

    def turn_all_on(self, columns: Ints) -> None:
        """At least at their minimum, as far as every row admits it."""
        rise = np.asarray(self._matrix[:, columns].maximum(0) @ self.least[columns])
        if np.all(rise <= self.left + TOLERANCE):
            self.left -= rise
            self.lower[columns] = self.least[columns]
            return
        for column in columns.tolist():
            self.turn_on(column)

    def turn_on(self, column: int) -> bool:
        """At least at its minimum, if every row admits it, which then has less left; whether they do."""
        rows, coefficients = self._entries(column)
        rise = np.maximum(coefficients, 0.0) * self.least[column]
        if np.any(rise > self.left[rows] + TOLERANCE):
            return False
        self.left[rows] -= rise
        self.lower[column] = self.least[column]
        return True

    def turn_off(self, column: int) -> None:
        """To 0; what relied on its delivery has less left."""
        rows, coefficients = self._entries(column)
        self.left[rows] += np.minimum(coefficients, 0.0) * self.upper[column]
        self.upper[column] = 0.0

    def _fix(self, column: int, at: float) -> None:
        rows, coefficients = self._entries(column)
        self.left[rows] -= np.maximum(coefficients, 0.0) * (at - self.lower[column])
        self.left[rows] += np.minimum(coefficients, 0.0) * (self.upper[column] - at)
        self.lower[column] = self.upper[column] = at

    def _open(self, column: int) -> None:
        """As if it had never been decided."""
        rows, coefficients = self._entries(column)
        lower, upper = self._widest[0][column], self._widest[1][column]
        self.left[rows] += np.maximum(coefficients, 0.0) * (self.lower[column] - lower)
        self.left[rows] -= np.minimum(coefficients, 0.0) * (upper - self.upper[column])
        self.lower[column], self.upper[column] = lower, upper

    def _entries(self, column: int) -> tuple[Ints, Floats]:
        part = slice(self._matrix.indptr[column], self._matrix.indptr[column + 1])
        return self._matrix.indices[part], self._matrix.data[part]
