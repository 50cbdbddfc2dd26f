"""From setpoints to everything that follows from them, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.model.formulation import LinearProgram
from optimizer.problem.horizon import Floats, Horizon
from optimizer.search.certify import complete, is_exact, keeps_rows, overhang_kw
from optimizer.search.following import expected_kw, followed
from optimizer.search.solve import Solver


@dataclass(frozen=True)
class Found:
    """Setpoints per slot [kW], what every column is with them, and what they cost [money]; infinite where no columns fit them."""

    setpoint_kw: Floats
    values: Floats
    cost: float


class Completion:
    """Completes setpoints: in closed form where that is exact, else by the solver."""

    def __init__(self, solver: Solver, horizon: Horizon) -> None:
        self.exact = is_exact(solver.program)
        self._solver, self._horizon = solver, horizon

    def of(self, setpoint_kw: Floats, give_kw: Floats) -> Found:
        """What follows from setpoints per slot [kW], for charging and for giving back as far as it is there."""
        program, horizon = self._solver.program, self._horizon
        found = at_rest(program, horizon, setpoint_kw)
        if self.exact:
            return found
        drawn_kw, given_kw = followed(horizon, setpoint_kw, give_kw)
        values = self._solver.complete(drawn_kw, given_kw, overhang_kw(program, setpoint_kw - drawn_kw))
        undrawn_kw = setpoint_kw - found.values[program.columns["power"]]
        if not keeps_rows(program, found.values, overhang_kw(program, undrawn_kw)):
            found = Found(setpoint_kw, found.values, np.inf)
        if values is None or program.cost @ values > found.cost:
            return found
        return Found(setpoint_kw, values, float(program.cost @ values))

    def settled(self, found: Found) -> Found:
        """What was found, and what follows from it as cheap as it can be: a search tolerates as much as it certifies, and a battery
        may charge and discharge at once where that costs less than it tolerates."""
        if self.exact or not np.isfinite(found.cost):
            return found
        program = self._solver.program
        undrawn_kw = found.setpoint_kw - found.values[program.columns["power"]]
        values = self._solver.settle(found.values, overhang_kw(program, undrawn_kw))
        if values is None or program.cost @ values >= found.cost:
            return found
        return Found(found.setpoint_kw, values, float(program.cost @ values))


def at_rest(program: LinearProgram, horizon: Horizon, setpoint_kw: Floats) -> Found:
    """What follows in closed form, with everything at rest that has a choice."""
    values = complete(program, horizon, expected_kw(horizon, setpoint_kw))
    return Found(setpoint_kw, values, float(program.cost @ values))
