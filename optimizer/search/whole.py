"""The whole choice of a small site as one mixed-integer program: near a plan, and all of it.

Where a plan and the relaxation agree who is on or off there is mostly nothing to gain: what is left is a tenth of the slots.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.model.kinds import CONTINUOUS, INTEGER
from optimizer.problem.horizon import Floats, Horizon
from optimizer.search.completion import Found
from optimizer.search.levels import levels_of, next_to
from optimizer.search.permissions import with_permissions, with_permits
from optimizer.search.solve import Region, Solver

TOLERANCE_KW = 1e-6
"""Power below this is off."""


class Whole:
    """The program with permissions, and a solver of its own that ends when the other one does."""

    def __init__(self, solver: Solver, horizon: Horizon) -> None:
        self.program = with_permissions(solver.program, horizon)
        self._horizon, self._solver = horizon, Solver(self.program, horizon, solver.ends_s)

    @property
    def has_lists(self) -> bool:
        """Whether any station knows a list of setpoints."""
        return bool(self.program.index["level"])

    def near(self, relaxed: Floats, best: Found, time_limit_s: float, lists_open: bool = False) -> Floats | None:
        """Best columns found where it is open who is on only where `relaxed` (per column of the program it was made of) and the best
        so far differ, and of a list only the setpoints are that are next to one of them. `lists_open`: these may
        be off as well, even where both are on."""
        program, slots = self.program, self._horizon.slots
        region = self._region()
        power_kw = relaxed[program.columns["power"]]
        on = (power_kw >= slots.least_kw - TOLERANCE_KW) & (best.setpoint_kw > 0)
        off = (power_kw <= TOLERANCE_KW) & (best.setpoint_kw <= 0)
        if lists_open:
            on[levels_of(program).slot] = False
        region.lower[program.columns["on"]] = on[program.places("on")]
        for family in ("on", "stops"):
            region.upper[program.columns[family]] *= ~off[program.places(family)]
        region.upper[program.columns["level"]] = self._near(power_kw) | self._near(best.setpoint_kw)
        return self._solver.improve(region, self._start(best), time_limit_s)

    def around(self, best: Found, free: NDArray[np.bool_], time_limit_s: float) -> Floats | None:
        """Best columns found where in all slots but those that are `free` who is on, and at which setpoint of a list, stays as in the
        best so far."""
        program, region, start = self.program, self._region(), self._start(best)
        if start is None:
            return None
        for family in ("on", "stops", "level", "going"):
            if program.index.get(family):
                part = program.columns[family]
                kept = np.flatnonzero(~free[program.places(family)[0]])
                region.lower[part][kept] = region.upper[part][kept] = np.rint(start[part][kept])
        return self._solver.improve(region, start, time_limit_s)

    def best_of_all(self, best: Found, time_limit_s: float) -> tuple[Floats | None, float]:
        """Best columns found, and a lower bound [money]; any power may be permitted."""
        return self._solver.prove(self._region(), self._start(best), time_limit_s)

    def best_on_grid(self, best: Found, time_limit_s: float) -> tuple[Floats | None, float]:
        """The same where what is permitted is a setpoint."""
        program, permitted = self.program, self.program.columns["permitted"]
        quantum, region = program.quantum.copy(), self._region()
        quantum[permitted] = self._horizon.slots.quantum_kw[program.places("permitted")]
        region.kind[permitted] = INTEGER
        solver = Solver(replace(program, quantum=quantum), self._horizon, self._solver.ends_s)
        return solver.prove(region, self._start(best), time_limit_s)

    def _near(self, power_kw: Floats) -> NDArray[np.bool_]:
        return next_to(self._horizon, levels_of(self.program), power_kw)

    def _region(self) -> Region:
        program, power = self.program, self.program.columns["power"]
        kind, lower = program.kind.copy(), program.least.copy()
        kind[power], lower[power] = CONTINUOUS, program.lower[power]
        return Region(lower, program.upper.copy(), kind)

    def _start(self, best: Found) -> Floats | None:
        return with_permits(self.program, best.values, best.setpoint_kw) if np.isfinite(best.cost) else None
