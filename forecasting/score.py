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
    """Mean of `inside`: a calibrated forecast's is `share`, whether values are continuous, certain or something of both."""
    return float(inside(levels, quantiles, actual, share).mean())


def inside(levels: Floats, quantiles: Floats, actual: Floats, share: float = 0.8) -> Floats:
    """How much of each value lies in the central band that should hold `share` of them: 1 or 0, and the part of its levels in the
    band's where the quantile function is flat there (no vehicle comes, a load is 0, a month's peak stays what it is).

    So often does the randomized transform of mixed distributions (Czado, Gneiting and Held 2009) fall into the band. Counted by
    whether it touches them instead, a band that begins at 0 would hold every hour in which nothing happens.
    """
    fine = at_levels(levels, quantiles, FINE_LEVELS)
    below, above = missed((fine < actual[:, None]).mean(axis=1), (fine <= actual[:, None]).mean(axis=1), share)
    return np.asarray(1.0 - below - above)


def missed(lowest: Floats, highest: Floats, share: float = 0.8) -> tuple[Floats, Floats]:
    """The parts (0 to 1) of values that lie below and above the central band of `share`. A value is met by its quantile function from
    the level `lowest` to the level `highest`, which are about the same unless it is certain to some degree."""
    low, high = (1 - share) / 2, (1 + share) / 2
    flat = highest - lowest
    below, above = (
        np.where(flat > MIN_FLAT, np.clip(part / np.maximum(flat, MIN_FLAT), 0.0, 1.0), part_of_a_point)
        for part, part_of_a_point in ((low - lowest, lowest < low - SLACK), (highest - high, lowest > high + SLACK))
    )
    return np.asarray(below), np.asarray(above)


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
