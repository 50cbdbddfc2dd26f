"""Two views in the same weeks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from cpms.domain.errors import InvalidInput


def saved_pct(cost: Sequence[float], other: Sequence[float]) -> dict[str, float]:
    """What `other` costs less than `cost`, week by week [% of the week's cost]: the mean, its standard error, and in how many weeks it
    costs less. InvalidInput for fewer than two weeks, which have no spread."""
    if len(cost) < 2:
        raise InvalidInput("weeks", "one week has no spread", "give at least 2")
    saved = [100.0 * (1.0 - after / before) for before, after in zip(cost, other, strict=True)]
    return {
        "mean": round(fmean(saved), 2),
        "standard_error": round(stdev(saved) / math.sqrt(len(saved)), 2),
        "weeks_better": sum(one > 0 for one in saved),
    }
