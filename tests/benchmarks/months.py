"""How bands did month by month."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.series import Floats, Ints


def coverage_by_month(inside: Floats, epochs_s: Ints, timezone: str, min_count: int) -> dict[str, float]:
    """Mean of `inside` (`forecasting.score.inside`) in each local month with at least `min_count` values."""
    stamps = pd.to_datetime(np.asarray(epochs_s), unit="s", utc=True).tz_convert(timezone)
    months = pd.Series(inside, index=stamps.strftime("%Y-%m")).groupby(level=0)
    shares = months.mean()[months.size() >= min_count]
    return {str(month): round(float(share), 3) for month, share in shares.items()}


def lowest_and_highest(inside: Floats, epochs_s: Ints, timezone: str, min_count: int) -> list[float]:
    """The lowest and the highest of `coverage_by_month`; nothing where no month has enough."""
    shares = coverage_by_month(inside, epochs_s, timezone, min_count).values()
    return [min(shares), max(shares)] if shares else []
