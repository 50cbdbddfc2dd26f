"""What demand prices and likely days must be like."""

from __future__ import annotations

from itertools import pairwise

from cpms.domain.errors import InvalidInput
from cpms.domain.plan import DemandPrice, LikelyDay, PlanRequest
from optimizer.require import require_finite, require_length, require_positive, require_series

DUST_KWH, DUST = 1e-6, 1e-6
"""Less than this is rounding."""


def require_demand(name: str, demand: DemandPrice, steps: int) -> None:
    """InvalidInput unless the price, its levels and its window can be planned with."""
    require_finite(name, (demand.price_per_kw, demand.peak_so_far_kw))
    require_length(f"{name}.applies", len(demand.applies), steps)
    require_positive(f"{name}.window_s", demand.window_s)
    if demand.price_per_kw < 0:
        raise InvalidInput(f"{name}.price_per_kw", f"{demand.price_per_kw} pays for a peak", "give 0 or more")
    levels = ((0.0, demand.price_per_kw), *demand.rises)
    require_finite(f"{name}.rises", (value for level in levels for value in level))
    for (below_kw, below), (above_kw, above) in pairwise(levels):
        if above_kw <= below_kw or above < below:
            raise InvalidInput(f"{name}.rises", f"{above} from {above_kw} kW on does not rise", "give both ascending")


def require_likely(request: PlanRequest) -> None:
    """InvalidInput unless every likely day can be, and one of them will."""
    for index, day in enumerate(request.likely):
        _require_day(f"likely[{index}]", day, request)
    together = sum(day.probability for day in request.likely)
    if request.likely and abs(together - 1.0) > DUST:
        raise InvalidInput("likely", f"probabilities add up to {together}", "divide them by that")


def _require_day(name: str, day: LikelyDay, request: PlanRequest) -> None:
    for series in ("least_kwh", "most_kwh", "most_kw"):
        require_series(f"{name}.{series}", getattr(day, series), len(request.steps))
    require_positive(f"{name}.probability", day.probability)
    least_kwh = most_kwh = 0.0
    for t, step in enumerate(request.steps):
        rise_kwh = step.duration_h * day.most_kw[t]
        if not -DUST_KWH <= day.least_kwh[t] - least_kwh <= rise_kwh + DUST_KWH:
            problem = "falls, or rises by more than most_kw allows"
            raise InvalidInput(f"{name}.least_kwh[{t}]", problem, "give what all must have by then")
        if day.most_kwh[t] < max(most_kwh, day.least_kwh[t]) - DUST_KWH:
            problem = "falls, or is below least_kwh"
            raise InvalidInput(f"{name}.most_kwh[{t}]", problem, "give what all can have by then")
        least_kwh, most_kwh = day.least_kwh[t], day.most_kwh[t]
