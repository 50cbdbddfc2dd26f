"""HiGHS: the linear relaxation, then mixed-integer programs over a chosen domain of the setpoints.

HiGHS sees power in multiples of each station's setpoint step (and other columns of their quantum), so that integers are setpoints;
everybody else sees kW.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from cpms.domain.errors import PlanFailed
from optimizer.model.formulation import LinearProgram
from optimizer.model.kinds import CONTINUOUS, Kinds
from optimizer.problem.horizon import Floats, Horizon
from optimizer.search.highs_form import add_rows, highs_lp, touched

Basis = highspy.HighsBasis

OPTIONS: dict[str, bool | int | float | str] = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    "mip_rel_gap": 1e-5,
    "dual_simplex_cost_perturbation_multiplier": 0.0,
}
"""Without perturbation of costs: slots of one price are alike by nature, and telling them apart by chance makes simplex wander, by a
factor of twenty where energy is scarce."""

ITERATIONS_PER_ROW = 12
"""Simplex iterations per row after which interior point takes over: where energy is scarce simplex needs up to eight."""

MANY_COLUMNS, COLUMNS_PER_ROW = 10_000, 20
"""A large relaxation with more columns per row (one cap over everybody, no feeders) is for interior point: few rows couple everything,
and simplex takes many slow steps."""

NO_LIMIT = 2**31 - 1

TOUCHING, TOUCHING_ROW = 1e-4, 0.15
"""Within this a plan touches a bound [kW, kWh], or a row: setpoints leave up to one of them unused under a limit."""

COMPLETING_SHARE, COMPLETING_GAP = 0.25, 1e-4
"""Of the time that is left, and of the cost: what follows from setpoints is asked for many times."""

BRANCHING_PART = 0.4
"""Of the gap that is aimed for: branching stops there."""

ROUGH_TOLERANCE, FINE_TOLERANCE = 1e-5, 1e-7
"""Of duals [money per kW]: after interior point, and HiGHS' own."""


@dataclass(frozen=True)
class Relaxation:
    """Optimum of the linear relaxation: values, duals per row (money per unit of the row's right-hand side), and the basis."""

    values: Floats
    duals: Floats
    basis: Basis


@dataclass(frozen=True)
class Vertex:
    """Columns of the relaxation within narrower bounds: values, reduced costs [money per unit of each], objective [money]."""

    values: Floats
    reduced: Floats
    objective: float


@dataclass(frozen=True)
class Domain:
    """What power may be in each slot: from `least_kw` to `most_kw` [kW], of a kind (semi-...: or 0; ...integer: a setpoint)."""

    least_kw: Floats
    most_kw: Floats
    kind: Kinds


@dataclass(frozen=True)
class Region:
    """What every column may be: from `lower` to `upper`, of a kind (semi-...: or 0; ...integer: of its quantum)."""

    lower: Floats
    upper: Floats
    kind: Kinds


class Solver:
    """One HiGHS, silent and single-threaded, holding the relaxation of one program; `ends_s`: when its time is over (of
    `time.monotonic`), by default that of the request from now on."""

    def __init__(self, program: LinearProgram, horizon: Horizon, ends_s: float | None = None) -> None:
        self.program = program
        self.ends_s = time.monotonic() + horizon.request.time_limit_s if ends_s is None else ends_s
        self._unit, self._enough = program.quantum, BRANCHING_PART * horizon.request.gap_target
        self._lower, self._upper = program.lower, program.upper
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy ships no types
        for option, value in OPTIONS.items():
            self._highs.setOptionValue(option, value)
        self._highs.passModel(highs_lp(program, self._unit))

    @property
    def left_s(self) -> float:
        """Time left [s, wall clock] of what the request allows."""
        return self.ends_s - time.monotonic()

    @property
    def objective(self) -> float:
        """Objective [money] of what was found last."""
        return float(self._highs.getInfo().objective_function_value)

    def begin_at(self, values: Floats) -> None:
        """Let the relaxation begin near `values` (per column): at a basis guessed from which bounds and rows they touch.

        HiGHS completes the guess where it is no basis. Near an earlier plan a fifth of the iterations is left.
        """
        program = self.program
        activity = program.matrix @ values
        basis = highspy.HighsBasis()
        basis.col_status = touched(values, program.lower, program.upper, TOUCHING)
        basis.row_status = touched(activity, program.row_lower, program.row_upper, TOUCHING_ROW)
        basis.alien = basis.valid = True
        self._highs.setBasis(basis)

    def begin_from(self, basis: Basis) -> None:
        """Let the relaxation begin where another one ended that had the same columns and rows."""
        self._highs.setBasis(basis)

    def relax(self) -> Relaxation:
        """Solve the relaxation; PlanFailed if HiGHS does not reach its optimum in time."""
        if self.left_s <= 0:
            raise PlanFailed("no time was left for the solver")
        undecided = highspy.HighsModelStatus.kIterationLimit
        status = undecided if self._is_dense() else self._relax_along_edges()
        if status == undecided and self.left_s > 0:
            status = self._relax_from_inside()
        if status != highspy.HighsModelStatus.kOptimal:
            raise PlanFailed(f"the relaxation ended as {self._highs.modelStatusToString(status)}")
        solution = self._highs.getSolution()
        return Relaxation(
            np.array(solution.col_value) * self._unit, np.array(solution.row_dual), self._highs.getBasis()
        )

    def extend(self, program: LinearProgram, basis: Basis) -> None:
        """Go on with a program that has further rows after those of now, and its relaxation from where it ended without them."""
        every = np.arange(len(program.lower), dtype=np.int32)
        self._bound(every, program.lower, program.upper)
        self._highs.setBasis(basis)
        add_rows(self._highs, program, self._unit, self.program.matrix.shape[0])
        self.program = program

    def _is_dense(self) -> bool:
        rows, columns = self.program.matrix.shape
        return bool(columns > MANY_COLUMNS and columns > COLUMNS_PER_ROW * rows)

    def _relax_along_edges(self) -> highspy.HighsModelStatus:
        """Simplex, without presolve, which finds next to nothing here and leads it astray where energy is scarce."""
        most = int(ITERATIONS_PER_ROW * self.program.matrix.shape[0]) + 500
        self._highs.setOptionValue("simplex_iteration_limit", most)
        self._highs.setOptionValue("presolve", "off")
        self._run(self.left_s)
        self._highs.setOptionValue("presolve", "choose")
        self._highs.setOptionValue("simplex_iteration_limit", NO_LIMIT)
        return self._highs.getModelStatus()

    def _relax_from_inside(self) -> highspy.HighsModelStatus:
        """Interior point with crossover to a vertex.

        Duals may be a little off, which saves a long clean-up and costs nothing: the certificate holds for any duals.
        """
        self._highs.clearSolver()
        self._highs.setOptionValue("solver", "ipm")
        self._highs.setOptionValue("dual_feasibility_tolerance", ROUGH_TOLERANCE)
        self._run(self.left_s)
        self._highs.setOptionValue("dual_feasibility_tolerance", FINE_TOLERANCE)
        self._highs.setOptionValue("solver", "choose")
        return self._highs.getModelStatus()

    def narrow(self, lower: Floats, upper: Floats) -> Vertex | None:
        """Cheapest columns of the relaxation within narrower bounds, from its last basis; None if there are none, or no time."""
        if self.left_s <= 0:
            return None
        (other,) = np.nonzero((lower != self._lower) | (upper != self._upper))
        self._bound(other.astype(np.int32), lower, upper)
        self._run(self.left_s)
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        solution = self._highs.getSolution()
        values, reduced = np.array(solution.col_value) * self._unit, np.array(solution.col_dual) / self._unit
        return Vertex(values, reduced, self.objective)

    def choose(
        self, domain: Domain, target: float, time_limit_s: float, start_kw: Floats | None = None
    ) -> Floats | None:
        """Best columns found with power in a domain, or None. Stops at an objective of `target`; may begin at power `start_kw`."""
        if self.left_s <= 0:
            return None
        self._restrict(domain)
        if start_kw is not None:
            self._start_at(start_kw)
        return self._best_of(target, time_limit_s)

    def within(self, region: Region, target: float, time_limit_s: float) -> Floats | None:
        """Best columns found in a region, or None. Stops at an objective of `target`."""
        if self.left_s <= 0:
            return None
        self._confine(region)
        return self._best_of(target, time_limit_s)

    def branch(self, time_limit_s: float) -> tuple[Floats | None, float]:
        """Best columns found, or None, and a lower bound [money], where every column but power is of its kind and power is free.

        It bounds what vehicles will draw, which is on no grid. The bound is HiGHS' own, by branch and bound.
        """
        power, kind, lower = self.program.columns["power"], self.program.kind.copy(), self.program.least.copy()
        kind[power], lower[power] = CONTINUOUS, self.program.lower[power]
        return self.improve(Region(lower, self.program.upper, kind), None, time_limit_s)

    def improve(self, region: Region, start: Floats | None, time_limit_s: float) -> tuple[Floats | None, float]:
        """Best columns found in a region, or None, and a lower bound of all there [money]; may begin at the columns `start`.
        Over at a part of the gap that is aimed for."""
        if self.left_s <= 0:
            return None, -np.inf
        self._confine(region)
        if start is not None:
            every = np.arange(len(start), dtype=np.int32)
            self._highs.setSolution(len(every), every, start / self._unit)
        self._highs.setOptionValue("mip_rel_gap", self._enough)
        values = self._best_of(-np.inf, min(time_limit_s, self.left_s))
        self._highs.setOptionValue("mip_rel_gap", OPTIONS["mip_rel_gap"])
        return values, float(self._highs.getInfo().mip_dual_bound)

    def complete(self, setpoint_kw: Floats, drawn_kw: Floats, given_kw: Floats) -> Floats | None:
        """Best columns where vehicles draw `drawn_kw` and may at any time draw `setpoint_kw`, which is what limits have to admit, and
        give `given_kw` (all per slot [kW]); None if no columns do."""
        if self.left_s <= 0:
            return None
        power, limits = self.program.columns["power"], self.program.rows.get("limit", slice(0, 0))
        overhang_kw = self.program.matrix[limits, power] @ (setpoint_kw - drawn_kw)
        self._restrict(Domain(drawn_kw, drawn_kw, np.full(len(drawn_kw), CONTINUOUS, dtype=np.uint8)))
        self._fix("give", given_kw)
        self._fix("giving", (given_kw > 0).astype(np.float64))
        self._tighten(limits, overhang_kw)
        self._highs.setOptionValue("mip_rel_gap", COMPLETING_GAP)
        try:
            return self._best_of(-np.inf, COMPLETING_SHARE * self.left_s)
        finally:
            self._highs.setOptionValue("mip_rel_gap", OPTIONS["mip_rel_gap"])
            self._tighten(limits, np.zeros_like(overhang_kw))

    def _best_of(self, target: float, time_limit_s: float) -> Floats | None:
        self._highs.setOptionValue("objective_target", target)
        self._run(min(time_limit_s, self.left_s))
        found = self._highs.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible.value
        return np.array(self._highs.getSolution().col_value) * self._unit if found else None

    def _tighten(self, rows: slice, by: Floats) -> None:
        at = np.arange(rows.start, rows.stop, dtype=np.int32)
        lower, upper = self.program.row_lower[rows], self.program.row_upper[rows] - by
        self._highs.changeRowsBounds(len(at), at, lower, upper)  # type: ignore[attr-defined]  # missing from its stubs

    def _restrict(self, domain: Domain) -> None:
        program, power = self.program, self.program.columns["power"]
        kind, lower, upper = program.kind.copy(), program.least.copy(), program.upper.copy()
        kind[power], lower[power], upper[power] = domain.kind, domain.least_kw, domain.most_kw
        self._confine(Region(lower, upper, kind))

    def _confine(self, region: Region) -> None:
        every = np.arange(len(region.lower), dtype=np.int32)
        self._bound(every, region.lower, region.upper)
        self._highs.changeColsIntegrality(len(every), every, region.kind)

    def _bound(self, columns: NDArray[np.int32], lower: Floats, upper: Floats) -> None:
        unit = self._unit[columns]
        self._highs.changeColsBounds(len(columns), columns, lower[columns] / unit, upper[columns] / unit)
        self._lower, self._upper = lower.copy(), upper.copy()

    def _fix(self, family: str, quantity: Floats) -> None:
        """Every column of a family at what `quantity` has in its place."""
        if self.program.index.get(family):
            part, fixed = self.program.columns[family], quantity[self.program.places(family)]
            columns = np.arange(part.start, part.stop, dtype=np.int32)
            self._lower[part] = self._upper[part] = fixed
            self._highs.changeColsBounds(len(columns), columns, fixed / self._unit[part], fixed / self._unit[part])
            self._highs.changeColsIntegrality(len(columns), columns, np.full(len(columns), CONTINUOUS, dtype=np.uint8))

    def _start_at(self, slot_kw: Floats) -> None:
        power = self.program.columns["power"]
        columns = np.arange(power.start, power.stop, dtype=np.int32)
        self._highs.setSolution(len(columns), columns, np.rint(slot_kw / self._unit[power]))

    def _run(self, time_limit_s: float) -> None:
        self._highs.setOptionValue("time_limit", time_limit_s)
        self._highs.run()
