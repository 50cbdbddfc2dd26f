"""How good forecasts were. All take arrays of one row per forecast; powers in, same unit out, skill and coverage as shares.

Pinball loss: Koenker and Bassett (1978). CRPS: Gneiting and Raftery (2007), as twice the mean pinball loss over a fine grid of
levels, the quantile function being linear between the levels there are.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from forecasting.quantiles import at_levels
from forecasting.series import Floats

FINE_LEVELS: Floats = np.linspace(0.01, 0.99, 99)
MIN_FLAT, SLACK = 0.02, 1e-9
"""A quantile function is flat where it is so over so many levels."""


def pinball(levels: Floats, quantiles: Floats, actual: Floats) -> Floats:
    """Loss of each quantile (rows x levels)."""
    miss = actual[:, None] - quantiles
    return np.maximum(levels * miss, (levels - 1.0) * miss)


def crps(levels: Floats, quantiles: Floats, actual: Floats) -> Floats:
    """Continuous ranked probability score of each row."""
    fine = at_levels(levels, quantiles, FINE_LEVELS)
    return np.asarray(2.0 * pinball(FINE_LEVELS, fine, actual).mean(axis=1))


def mean_of(levels: Floats, quantiles: Floats) -> Floats:
    """Expected value of each row: the mean of its quantile function."""
    return np.asarray(at_levels(levels, quantiles, FINE_LEVELS).mean(axis=1))


def rmse(expected: Floats, actual: Floats) -> float:
    """Root mean square error."""
    return float(np.sqrt(np.mean((expected - actual) ** 2)))


def coverage(levels: Floats, quantiles: Floats, actual: Floats, share: float = 0.8) -> float:
    """Share of `actual` inside the central band that should hold `share` of them."""
    low, high = band(levels, quantiles, share)
    return float(np.mean((actual >= low) & (actual <= high)))


def held(levels: Floats, quantiles: Floats, actual: Floats, share: float = 0.8) -> float:
    """`coverage` where values may be certain to some degree (no vehicle comes, a load is 0): a value at which the quantile function is
    flat from level a to level b counts by the part of it inside of the central band's levels.

    The expectation of the randomized transform of discrete distributions (Czado, Gneiting and Held 2009); elsewhere it is `coverage`.
    """
    low, high = (1 - share) / 2, (1 + share) / 2
    fine = at_levels(levels, quantiles, FINE_LEVELS)
    below, through = ((one).mean(axis=1) for one in (fine < actual[:, None], fine <= actual[:, None]))
    flat = through - below
    inside = np.clip(np.minimum(high, through) - np.maximum(low, below), 0.0, None)
    point = (below >= low - SLACK) & (below <= high + SLACK)
    return float(np.where(flat > MIN_FLAT, inside / np.maximum(flat, MIN_FLAT), point).mean())


def band(levels: Floats, quantiles: Floats, share: float = 0.8) -> tuple[Floats, Floats]:
    """Lower and upper end of the central band of each row."""
    ends = at_levels(levels, quantiles, np.array([(1 - share) / 2, (1 + share) / 2]))
    return ends[:, 0], ends[:, 1]


@dataclass(frozen=True)
class Score:
    """Scores over `count` forecasts. nrmse, crps, width_80 as shares of `capacity`; `skill` over the baseline's RMSE."""

    count: int
    nrmse: float
    crps: float
    coverage_80: float
    width_80: float
    skill: float | None = None

    def to_dict(self) -> dict[str, float | int | None]:
        """As plain values, rounded for people."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


def score(
    levels: Floats, quantiles: Floats, actual: Floats, capacity: float, baseline_rmse: float | None = None
) -> Score:
    """Score rows of quantiles against what came; needs at least one row."""
    error = rmse(mean_of(levels, quantiles), actual)
    low, high = band(levels, quantiles)
    return Score(
        count=len(actual),
        nrmse=error / capacity,
        crps=float(crps(levels, quantiles, actual).mean()) / capacity,
        coverage_80=coverage(levels, quantiles, actual),
        width_80=float((high - low).mean()) / capacity,
        skill=None if not baseline_rmse else 1.0 - error / baseline_rmse,
    )
