"""Quantiles: of weighted samples, and their rows made into a Forecast."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from cpms.domain.errors import InvalidInput
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.time import Interval
from forecasting.series import Floats

DEFAULT_LEVELS = (0.1, 0.5, 0.9)


def require_levels(levels: Sequence[float]) -> Floats:
    """`levels` as an array; InvalidInput unless they ascend strictly inside (0, 1)."""
    array = np.asarray(levels, dtype=np.float64)
    if len(array) == 0 or array[0] <= 0 or array[-1] >= 1 or (np.diff(array) <= 0).any():
        raise InvalidInput("levels", f"{tuple(levels)} do not ascend between 0 and 1", "give e.g. (0.1, 0.5, 0.9)")
    return array


def weighted_quantiles(samples: Floats, weights: Floats, levels: Floats) -> Floats:
    """Quantiles of each row of `samples` (rows x n) with `weights` (rows x n, 0 leaves a sample out): rows x levels.

    Linear between the midpoints of the samples' weights (Hazen's plotting position), the outermost sample beyond.
    A row without any weight gives NaN.
    """
    order = np.argsort(samples, axis=1, kind="stable")
    ordered = np.take_along_axis(samples, order, axis=1)
    weight = np.take_along_axis(weights, order, axis=1)
    total = weight.sum(axis=1)
    midpoint = np.cumsum(weight, axis=1) - weight / 2
    result = np.full((len(samples), len(levels)), np.nan)
    for row in np.flatnonzero(total > 0):
        used = weight[row] > 0
        result[row] = np.interp(levels * total[row], midpoint[row, used], ordered[row, used])
    return result


def at_levels(levels: Floats, quantiles: Floats, wanted: Floats) -> Floats:
    """The rows of `quantiles` (rows x levels) at the `wanted` levels: linear between, the outermost ones beyond."""
    right = np.clip(np.searchsorted(levels, wanted), 1, len(levels) - 1)
    share = np.clip((wanted - levels[right - 1]) / (levels[right] - levels[right - 1]), 0.0, 1.0)
    return np.asarray(quantiles[:, right - 1] * (1.0 - share) + quantiles[:, right] * share)


def to_forecast(
    site_id: str,
    quantity: ForecastQuantity,
    issued_at: datetime,
    intervals: Sequence[Interval],
    levels: Sequence[float],
    values_kw: Floats,
    method: str,
) -> Forecast:
    """Rows x levels [kW] as a Forecast; rows are sorted, since crossing quantiles are no distribution."""
    rows = np.sort(values_kw, axis=1)
    return Forecast(
        site_id=site_id,
        quantity=quantity,
        issued_at=issued_at,
        intervals=tuple(intervals),
        levels=tuple(float(level) for level in levels),
        values=tuple(tuple(float(value) for value in row) for row in rows),
        method=method,
    )
