"""HiGHS on the linear relaxation, whole and within narrower bounds."""

from __future__ import annotations

import time
from dataclasses import dataclass

import highspy
import numpy as np

from cpms.domain.errors import PlanFailed
from optimizer.model.formulation import LinearProgram
from optimizer.problem.horizon import Floats, Horizon
from optimizer.search.certify import lower_bound
from optimizer.search.highs_form import touched
from optimizer.search.machine import Machine

Basis = highspy.HighsBasis

ITERATIONS_PER_ROW = 12
"""Simplex iterations per row after which interior point takes over: where energy is scarce simplex needs up to eight."""

MANY_COLUMNS, COLUMNS_PER_ROW = 10_000, 20
"""A large relaxation with more columns per row (one cap over everybody, no feeders) is for interior point: few rows couple everything,
and simplex takes many slow steps."""

NO_LIMIT = 2**31 - 1

TOUCHING, TOUCHING_ROW = 1e-4, 0.15
"""Within this a plan touches a bound [kW, kWh], or a row: setpoints leave up to one of them unused under a limit."""

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


class Relaxing:
    """Holds the relaxation of one program; `ends_s`: when its time is over (of `time.monotonic`), by default that of the request from
    now on.

    HiGHS sees it in kW: coefficients near 1 need no scaling. In multiples of a setpoint step, of which it makes something else for
    every step, simplex took two to six times as many iterations where energy is scarce.
    """

    def __init__(self, program: LinearProgram, horizon: Horizon, ends_s: float | None = None) -> None:
        self.program, self.horizon = program, horizon
        self.ends_s = time.monotonic() + horizon.request.time_limit_s if ends_s is None else ends_s
        self.machine = Machine(program, np.ones(len(program.lower)))

    @property
    def left_s(self) -> float:
        """Time left [s, wall clock] of what the request allows."""
        return self.ends_s - time.monotonic()

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
        self.machine.highs.setBasis(basis)

    def begin_from(self, basis: Basis) -> None:
        """Let the relaxation begin where another one ended that had the same columns and rows."""
        self.machine.highs.setBasis(basis)

    def relax(self) -> Relaxation:
        """Solve the relaxation; PlanFailed if HiGHS does not reach its optimum in time."""
        if self.left_s <= 0:
            raise PlanFailed("no time was left for the solver")
        undecided = highspy.HighsModelStatus.kIterationLimit
        status = undecided if self._is_dense() else self._relax_along_edges()
        if status == undecided and self.left_s > 0:
            status = self._relax_from_inside()
        if status != highspy.HighsModelStatus.kOptimal:
            raise PlanFailed(f"the relaxation ended as {self.machine.highs.modelStatusToString(status)}")
        duals = np.array(self.machine.highs.getSolution().row_dual)
        return Relaxation(self.machine.values, duals, self.machine.highs.getBasis())

    def proven(self) -> float:
        """What no columns cost less than [money], by the duals where HiGHS is, wherever it stopped; -infinity if they prove no more
        than the bounds of the columns do, which is next to nothing."""
        duals = np.array(self.machine.highs.getSolution().row_dual)
        bound = lower_bound(self.program, duals)
        return bound if bound > lower_bound(self.program, np.zeros_like(duals)) else -np.inf

    def extend(self, program: LinearProgram, basis: Basis) -> None:
        """Go on with a program that has further rows after those of now, and its relaxation from where it ended without them."""
        self.machine.bound(np.arange(len(program.lower)), program.lower, program.upper)
        self.begin_from(basis)
        self.machine.extend(program, len(self.program.row_upper))
        self.program = program

    def narrow(self, lower: Floats, upper: Floats) -> Vertex | None:
        """Cheapest columns of the relaxation within narrower bounds, from its last basis; None if there are none, or no time."""
        if self.left_s <= 0:
            return None
        machine = self.machine
        machine.bound(np.flatnonzero((lower != machine.lower) | (upper != machine.upper)), lower, upper)
        if machine.run(self.left_s) != highspy.HighsModelStatus.kOptimal:
            return None
        return Vertex(machine.values, np.array(machine.highs.getSolution().col_dual), machine.objective)

    def _is_dense(self) -> bool:
        rows, columns = self.program.matrix.shape
        return bool(columns > MANY_COLUMNS and columns > COLUMNS_PER_ROW * rows)

    def _relax_along_edges(self) -> highspy.HighsModelStatus:
        """Simplex, without presolve, which finds next to nothing here and leads it astray where energy is scarce."""
        machine = self.machine
        machine.set("simplex_iteration_limit", int(ITERATIONS_PER_ROW * self.program.matrix.shape[0]) + 500)
        machine.set("presolve", "off")
        status = machine.run(self.left_s)
        machine.set("presolve", "choose")
        machine.set("simplex_iteration_limit", NO_LIMIT)
        return status

    def _relax_from_inside(self) -> highspy.HighsModelStatus:
        """Interior point with crossover to a vertex.

        Duals may be a little off, which saves a long clean-up and costs nothing: the certificate holds for any duals.
        """
        machine = self.machine
        machine.highs.clearSolver()
        machine.set("solver", "ipm")
        machine.set("dual_feasibility_tolerance", ROUGH_TOLERANCE)
        status = machine.run(self.left_s)
        machine.set("dual_feasibility_tolerance", FINE_TOLERANCE)
        machine.set("solver", "choose")
        return status
