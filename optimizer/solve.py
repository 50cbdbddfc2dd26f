"""HiGHS: the linear relaxation, then mixed-integer programs restricted to what the relaxation left undecided."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from cpms.domain.errors import PlanFailed
from optimizer.formulation import LinearProgram

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

TOLERANCE_KW = 1e-6
"""Power below this is off; well above HiGHS' feasibility tolerance of 1e-7."""


@dataclass(frozen=True)
class Relaxation:
    """Optimum of the linear relaxation: values, and duals per row (money per unit of the row's right-hand side)."""

    values: Floats
    duals: Floats


def new_solver(program: LinearProgram) -> highspy.Highs:
    """A silent single-threaded HiGHS holding the relaxation."""
    solver = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy ships no types
    for option, value in (("output_flag", False), ("threads", 1), ("parallel", "off")):
        solver.setOptionValue(option, value)
    solver.passModel(_highs_lp(program))
    return solver


def _highs_lp(program: LinearProgram) -> highspy.HighsLp:
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = program.matrix.shape
    lp.col_cost_ = program.cost
    lp.col_lower_, lp.col_upper_ = program.lower, program.upper
    lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = program.matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = program.matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = program.matrix.data
    return lp


def relax(solver: highspy.Highs, time_limit_s: float) -> Relaxation:
    """Solve the relaxation; PlanFailed if HiGHS does not reach its optimum in time."""
    _run(solver, time_limit_s)
    status = solver.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise PlanFailed(f"the relaxation ended as {solver.modelStatusToString(status)}")
    solution = solver.getSolution()
    return Relaxation(np.array(solution.col_value), np.array(solution.row_dual))


@dataclass(frozen=True)
class Restriction:
    """Per column of `power`: must be off, must be on, or (neither) may be either. `least_kw` [kW]: minimum when on."""

    off: Mask
    on: Mask
    least_kw: Floats


def solve_restricted(
    solver: highspy.Highs, program: LinearProgram, restriction: Restriction, target: float, time_limit_s: float
) -> Floats | None:
    """Best power per slot [kW] found under a restriction, or None. Stops at an objective of `target`."""
    _restrict(solver, program, restriction)
    solver.setOptionValue("objective_target", target)
    solver.setOptionValue("mip_rel_gap", 1e-5)
    _run(solver, time_limit_s)
    found = solver.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible.value
    return np.array(solver.getSolution().col_value)[program.columns["power"]] if found else None


def _restrict(solver: highspy.Highs, program: LinearProgram, restriction: Restriction) -> None:
    """Bounds and kinds of columns: off [0, 0], on [least, most], else semi-continuous {0} or [least, most]; `feeding` binary."""
    power, feeding = program.columns["power"], program.columns["feeding"]
    kind = np.full(len(program.lower), highspy.HighsVarType.kContinuous.value, dtype=np.uint8)
    free = ~restriction.off & ~restriction.on & (restriction.least_kw > 0)
    kind[power][free] = highspy.HighsVarType.kSemiContinuous.value
    kind[feeding] = highspy.HighsVarType.kInteger.value
    lower, upper = program.lower.copy(), program.upper.copy()
    lower[power] = np.where(restriction.on | free, restriction.least_kw, 0.0)
    upper[power] = np.where(restriction.off, 0.0, program.upper[power])
    every = np.arange(len(lower), dtype=np.int32)
    solver.changeColsBounds(len(every), every, lower, upper)
    solver.changeColsIntegrality(len(every), every, kind)


def _run(solver: highspy.Highs, time_limit_s: float) -> None:
    solver.setOptionValue("time_limit", solver.getRunTime() + max(time_limit_s, 0.01))
    solver.run()
