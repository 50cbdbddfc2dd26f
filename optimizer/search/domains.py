"""Which part of the problem a mixed-integer program looks at: what the relaxation left undecided, and setpoints near a solution."""

from __future__ import annotations

import numpy as np

from optimizer.model.formulation import LinearProgram
from optimizer.model.kinds import CONTINUOUS, INTEGER, SEMI_CONTINUOUS, SEMI_INTEGER
from optimizer.problem.horizon import Floats, Horizon
from optimizer.problem.worth import LATENESS_SHARE, typical_price_per_kwh
from optimizer.search.relaxing import Relaxation
from optimizer.search.setpoints import completing
from optimizer.search.solve import Domain

TOLERANCE_KW = 1e-6
"""Power below this is off; well above HiGHS' feasibility tolerance of 1e-7."""


def undecided(
    horizon: Horizon, program: LinearProgram, relaxation: Relaxation, slack: float | None, on_grid: bool = False
) -> Domain:
    """Semi-continuous where the relaxation lies between off and minimum; elsewhere what it says: off, or on in [min, max].

    With `slack` [money] also where turning it on would cost at most that, and what the preference for early energy weighs, by the
    reduced cost; with a `slack` above 0 also where turning it off would. A `slack` of the whole gap leaves out nothing that could
    improve the plan. `on_grid`: setpoints only.
    """
    power = relaxation.values[program.columns["power"]]
    least_kw, most_kw = (
        horizon.least_kw(power, program.whole("give", relaxation.values, len(power))),
        horizon.slots.most_kw,
    )
    off, on = power <= TOLERANCE_KW, power >= np.maximum(least_kw, 2 * TOLERANCE_KW) - TOLERANCE_KW
    if slack is not None:
        reduced = (program.cost - program.matrix.T @ relaxation.duals)[program.columns["power"]]
        preference = LATENESS_SHARE * typical_price_per_kwh(horizon) * horizon.slots.hours * least_kw
        off &= reduced * least_kw > slack + preference
        on &= (-reduced * most_kw > slack) | (slack == 0)
    free = ~off & ~on & (least_kw > 0)
    decided, open_ = (INTEGER, SEMI_INTEGER) if on_grid else (CONTINUOUS, SEMI_CONTINUOUS)
    return Domain(
        least_kw=np.where(off, 0.0, least_kw),
        most_kw=np.where(off, 0.0, most_kw),
        kind=np.where(free, open_, decided).astype(np.uint8),
    )


def setpoints_near(horizon: Horizon, slot_kw: Floats, give_kw: Floats, known_kw: Floats, reach: int) -> Domain:
    """The setpoints at either side of `slot_kw`, while `give_kw` is given, `reach` further ones, and all up to `known_kw`; where a
    need is met, what is drawn until then."""
    quantum = horizon.slots.quantum_kw
    least_kw, most_kw = horizon.least_kw(slot_kw, give_kw), horizon.slots.most_kw
    multiple = slot_kw / quantum
    below_kw = (np.floor(multiple + 1e-6) - reach) * quantum
    above_kw = (np.ceil(multiple - 1e-6) + reach) * quantum
    on = slot_kw > TOLERANCE_KW
    near_least_kw = np.where(on, np.clip(below_kw, least_kw, most_kw), 0.0)
    near_most_kw = np.where(on, np.clip(above_kw, least_kw, most_kw), 0.0)
    switched = on != (known_kw > TOLERANCE_KW)
    near = Domain(
        least_kw=np.where(switched, least_kw, np.minimum(near_least_kw, known_kw)),
        most_kw=np.maximum(near_most_kw, known_kw),
        kind=np.where(switched, SEMI_INTEGER, INTEGER).astype(np.uint8),
    )
    last = completing(horizon, slot_kw)
    near.least_kw[last], near.kind[last] = 0.0, CONTINUOUS
    return near
