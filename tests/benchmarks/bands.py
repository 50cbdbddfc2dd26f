"""How bands did: month by month, and how far their coverage may be off by chance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.series import Floats, Ints


def bands(inside: Floats, epochs_s: Ints, timezone: str, min_count: int) -> dict[str, object]:
    """`standard_error` of coverage, and the lowest and the highest of `coverage_by_month`; nothing where no month has enough."""
    shares = coverage_by_month(inside, epochs_s, timezone, min_count).values()
    return {
        "coverage_80_standard_error": standard_error(inside, epochs_s, timezone),
        "coverage_80_months": [min(shares), max(shares)] if shares else [],
    }


def standard_error(inside: Floats, epochs_s: Ints, timezone: str) -> float:
    """Standard error of the mean of `inside` (`forecasting.score.inside`), where the values of a local day may all miss together: they
    count as a cluster (Liang and Zeger 1986)."""
    days = pd.Series(inside - inside.mean()).groupby(_local(epochs_s, timezone).strftime("%Y-%m-%d"))
    return round(float(np.sqrt((days.sum() ** 2).sum()) / len(inside)), 4)


def coverage_by_month(inside: Floats, epochs_s: Ints, timezone: str, min_count: int) -> dict[str, float]:
    """Mean of `inside` (`forecasting.score.inside`) in each local month with at least `min_count` values."""
    months = pd.Series(inside, index=_local(epochs_s, timezone).strftime("%Y-%m")).groupby(level=0)
    shares = months.mean()[months.size() >= min_count]
    return {str(month): round(float(share), 3) for month, share in shares.items()}


def _local(epochs_s: Ints, timezone: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(np.asarray(epochs_s), unit="s", utc=True)).tz_convert(timezone)
