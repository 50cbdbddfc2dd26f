"""One HiGHS, silent and single-threaded, that holds a program."""

from __future__ import annotations

import highspy
import numpy as np

from optimizer.model.formulation import LinearProgram
from optimizer.model.kinds import CONTINUOUS, Kinds
from optimizer.problem.horizon import Floats, Ints
from optimizer.search.highs_form import add_rows, pass_relaxation

OPTIONS: dict[str, bool | int | float | str] = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    "mip_rel_gap": 1e-5,
    "dual_simplex_cost_perturbation_multiplier": 0.0,
}
"""Without perturbation of costs: slots of one price are alike by nature, and telling them apart by chance makes simplex wander, by a
factor of twenty where energy is scarce."""


class Machine:
    """A program with every column in multiples of its `unit`; quantities go in and come out as the program has them."""

    def __init__(self, program: LinearProgram, unit: Floats) -> None:
        self.unit = unit
        self.lower, self.upper = program.lower, program.upper
        self.kind: Kinds = np.full(len(unit), CONTINUOUS, dtype=np.uint8)
        self.highs = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy ships no types
        for option, value in OPTIONS.items():
            self.set(option, value)
        pass_relaxation(self.highs, program, unit)

    def set(self, option: str, value: bool | int | float | str) -> None:
        """One option of HiGHS; ValueError where it refuses the value, which it would only say in its log, and keep the one before."""
        if self.highs.setOptionValue(option, value) != highspy.HighsStatus.kOk:
            raise ValueError(f"HiGHS does not take {option}={value}")

    def bound(self, columns: Ints, lower: Floats, upper: Floats) -> None:
        """Other bounds for some columns; `lower`, `upper`: of all of them."""
        at, unit = columns.astype(np.int32), self.unit[columns]
        self.highs.changeColsBounds(len(at), at, lower[columns] / unit, upper[columns] / unit)
        self.lower, self.upper = lower.copy(), upper.copy()

    def restrict(self, columns: Ints, kind: Kinds) -> None:
        """Another kind for some columns; `kind`: of these."""
        self.kind[columns] = kind
        self.highs.changeColsIntegrality(len(columns), columns.astype(np.int32), kind)

    def extend(self, program: LinearProgram, first: int) -> None:
        """The rows of a program from `first` on as well."""
        add_rows(self.highs, program, self.unit, first)

    def run(self, time_limit_s: float) -> highspy.HighsModelStatus:
        """How HiGHS ended, in at most that time [s], none where it is over; HiGHS limits a mixed-integer program alone, a linear one
        with all runs before."""
        spent_s = 0.0 if np.any(self.kind != CONTINUOUS) else float(self.highs.getRunTime())
        self.set("time_limit", spent_s + max(0.0, time_limit_s))
        self.highs.run()
        return self.highs.getModelStatus()

    @property
    def values(self) -> Floats:
        """Columns of what was found last."""
        return np.array(self.highs.getSolution().col_value) * self.unit

    @property
    def objective(self) -> float:
        """Objective [money] of what was found last."""
        return float(self.highs.getInfo().objective_function_value)
