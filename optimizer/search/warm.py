"""Beginning at an earlier plan: its setpoints, moved to the steps and clipped to the limits of now."""

from __future__ import annotations

import numpy as np

from cpms.domain.plan import Plan
from optimizer.problem.horizon import Floats, Horizon
from optimizer.problem.setpoint_grid import told_a
from optimizer.search.setpoints import to_setpoints


def warm_setpoints_kw(horizon: Horizon, carried_kw: Floats) -> Floats:
    """Setpoints per slot [kW] within today's limits, as near to `carried_kw` as they let it be; what is missing is topped up."""
    return to_setpoints(horizon, carried_kw)


def carried_over_kw(horizon: Horizon, earlier: Plan) -> Floats:
    """The earlier plan's setpoint [kW] in each slot: that of the step which held at the slot's beginning, 0 where there was none."""
    starts = np.array([step.starts_at.timestamp() for step in earlier.steps])
    ends_s = earlier.steps[-1].ends_at.timestamp()
    now = np.array([step.starts_at.timestamp() for step in horizon.request.steps])
    held = np.searchsorted(starts, now, side="right") - 1
    known = (held >= 0) & (now < ends_s)
    current = np.zeros((len(horizon.need_kwh), horizon.step_count))
    single = np.zeros(current.shape, dtype=np.bool_)
    by_id = {session.session_id: session for session in earlier.sessions}
    for n, need in enumerate(horizon.request.needs):
        if need.session_id in by_id:
            session = by_id[need.session_id]
            current[n] = np.where(known, np.array(session.current_a)[np.maximum(held, 0)], 0.0) / told_a(need)
            if session.single_phase and need.switching is not None:
                single[n] = known & np.array(session.single_phase)[np.maximum(held, 0)]
    slots = horizon.slots
    wanted_kw = current[slots.need, slots.step] * slots.quantum_kw
    return np.where(slots.single == single[slots.need, slots.step], np.minimum(wanted_kw, slots.most_kw), 0.0)
