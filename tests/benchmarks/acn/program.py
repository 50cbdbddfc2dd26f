"""A linear program in HiGHS, grown by columns and rows of numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

import highspy
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class NotSolved(RuntimeError):
    """HiGHS did not reach the optimum."""


@dataclass
class Program:
    """Minimise cost @ x with 0 <= x <= upper and lower <= A x <= upper per row; A by its entries."""

    columns: int = 0
    rows: int = 0
    costs: list[Floats] = field(default_factory=list)
    uppers: list[Floats] = field(default_factory=list)
    row_lowers: list[Floats] = field(default_factory=list)
    row_uppers: list[Floats] = field(default_factory=list)
    entries: list[tuple[Ints, Ints, Floats]] = field(default_factory=list)

    def add_columns(self, cost: Floats, upper: Floats) -> Ints:
        """New variables; returns their places."""
        places = self.columns + np.arange(len(cost))
        self.costs.append(cost)
        self.uppers.append(upper)
        self.columns += len(cost)
        return places

    def add_rows(self, upper: Floats, lower: Floats | None = None) -> Ints:
        """New rows; returns their places."""
        places = self.rows + np.arange(len(upper))
        self.row_uppers.append(upper)
        self.row_lowers.append(np.full(len(upper), -np.inf) if lower is None else lower)
        self.rows += len(upper)
        return places

    def enter(self, rows: Ints | int, columns: Ints | int, values: Floats | float) -> None:
        """Coefficients, broadcast against each other."""
        row, column, value = np.broadcast_arrays(rows, columns, np.asarray(values, dtype=float))
        self.entries.append((row.ravel(), column.ravel(), value.ravel()))

    def solve(self, solver: str = "choose") -> Floats:
        """The values at the optimum; NotSolved if HiGHS cannot say it is one."""
        highs = highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("solver", solver)):
            highs.setOptionValue(option, value)
        highs.passModel(self._model())
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise NotSolved(str(highs.getModelStatus()))
        return np.array(highs.getSolution().col_value)

    def _model(self) -> highspy.HighsLp:
        row, column, value = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        order = np.lexsort((row, column))
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = self.columns, self.rows
        model.col_cost_ = np.concatenate(self.costs)
        model.col_lower_ = np.zeros(self.columns)
        model.col_upper_ = np.concatenate(self.uppers)
        model.row_lower_ = np.concatenate(self.row_lowers)
        model.row_upper_ = np.concatenate(self.row_uppers)
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = np.searchsorted(column[order], np.arange(self.columns + 1))
        model.a_matrix_.index_ = row[order]
        model.a_matrix_.value_ = value[order]
        return model
