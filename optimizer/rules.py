"""A plan by rule, for when the solver has none: everybody as much as fits, by priority and departure. No prices, no proof."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from optimizer.horizon import Horizon
from optimizer.setpoints import to_setpoints


def rule_setpoints_kw(horizon: Horizon) -> NDArray[np.float64]:
    """Setpoints [kW] per slot: needs in order of priority, then departure, each filled from its cheapest steps within the limits."""
    everything_known = replace(horizon, certain=np.ones(len(horizon.need_kwh)))
    return to_setpoints(everything_known, np.zeros(len(horizon.slots.need)))
