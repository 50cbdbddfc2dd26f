"""A plan by rule, for when the solver has none: everybody as much as fits, by priority and departure. No peaks, no proof."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.problem.horizon import Horizon
from optimizer.search.setpoints import to_setpoints


def rule_setpoints_kw(horizon: Horizon) -> NDArray[np.float64]:
    """Setpoints [kW] per slot: needs in order of priority, then departure, each filled from its cheapest steps within the limits."""
    everything_known = replace(horizon, certain=np.ones(len(horizon.need_kwh)))
    return to_setpoints(everything_known, np.zeros(len(horizon.slots.need)))


def shared_setpoints_kw(horizon: Horizon) -> NDArray[np.float64]:
    """As by rule, but half of every need before the rest of any: near where a plan ends up that has to share [kW per slot]."""
    half_kw = to_setpoints(replace(horizon, need_kwh=horizon.need_kwh / 2), np.zeros(len(horizon.slots.need)))
    return to_setpoints(horizon, half_kw)
