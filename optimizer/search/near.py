"""Regions near a solution: mixed-integer programs of which little is open, because the rest is as a dive decided it.

(Berthold, RENS - the optimal rounding, 2014.) Where vehicles give energy back, turning on whatever fits is dear, though it settles
dives elsewhere: what is given has to be charged again. So a dive leaves what it is not sure of, and this decides it.
"""

from __future__ import annotations

import numpy as np

from optimizer.model.formulation import LinearProgram
from optimizer.model.kinds import CONTINUOUS, INTEGER, SEMI_CONTINUOUS, SEMI_INTEGER
from optimizer.problem.horizon import Floats, Horizon
from optimizer.search.dive import Dived
from optimizer.search.narrowing import TOLERANCE
from optimizer.search.solve import Region

TINY_STEPS = 1e-6
"""Part of a setpoint step [-] that rounding errors may make of a multiple."""


def left_open(program: LinearProgram, dived: Dived) -> Region:
    """What the dive left between off and minimum is semi-continuous, everything else is as it decided: off, or at least on."""
    state, values = dived.state, dived.vertex.values
    semi = state.least > 0
    off, on = semi & (values <= TOLERANCE), semi & (values >= state.least - TOLERANCE)
    kind = np.where(semi, np.where(off | on, CONTINUOUS, SEMI_CONTINUOUS), program.kind).astype(np.uint8)
    return Region(
        lower=np.where(off, 0.0, np.where(semi, state.least, state.lower)),
        upper=np.where(off, 0.0, np.where(semi, program.upper, state.upper)),
        kind=kind,
    )


def setpoints_around(program: LinearProgram, horizon: Horizon, values: Floats, reach: int) -> Region:
    """Every setpoint from `reach` below to `reach` above what is on in `values`; all yes or no as it is there."""
    semi = np.isin(program.kind, (SEMI_CONTINUOUS, SEMI_INTEGER))
    power = program.columns["power"]
    semi[power] = True
    least = np.where(semi, program.least, 0.0)
    least[power] = horizon.least_kw(values[power], program.whole("give", values, power.stop - power.start))
    on, unit = semi & (values > TOLERANCE), program.quantum
    multiple = values / unit
    below = np.maximum((np.floor(multiple + TINY_STEPS) - reach) * unit, least)
    above = np.minimum((np.ceil(multiple - TINY_STEPS) + reach) * unit, program.upper)
    settled = program.kind == INTEGER
    lower = np.where(on, below, np.where(settled, np.rint(values), np.where(semi, 0.0, program.lower)))
    upper = np.where(on, above, np.where(settled, np.rint(values), np.where(semi, 0.0, program.upper)))
    return Region(lower, upper, np.where(on, INTEGER, CONTINUOUS).astype(np.uint8))
