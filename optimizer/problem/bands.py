"""Chance constraints: what uncertain load takes of a limit, at most, with the probability that was chosen.

Uncertain load enters every limit as a sum that no decision changes, so that the chance constraint P(load <= left) >=
level is the plain constraint Q(level) <= left on a quantile of the sum (Charnes and Cooper, Chance-constrained
programming, 1959). Loads given by mean and sigma are independent and normal: their variances add. Quantiles add as
they are, which reckons with all going wrong at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from cpms.domain.contract import UncertainLoad

Floats = NDArray[np.float64]


def quantile_kw(loads: Sequence[UncertainLoad], level: float, steps: int) -> Floats:
    """What the sum of loads stays below [kW per step] with probability `level` (above, for a level under one half)."""
    total, variance = np.zeros(steps), np.zeros(steps)
    for load in loads:
        if load.levels:
            total += [float(np.interp(level, load.levels, row)) for row in load.quantiles_kw]
        else:
            total += load.mean_kw
            variance += np.square(load.sigma_kw or np.zeros(steps))
    return np.asarray(total + NormalDist().inv_cdf(level) * np.sqrt(variance))
