"""What demand prices and likely days must be like."""

from __future__ import annotations

from itertools import pairwise

from cpms.domain.errors import InvalidInput
from cpms.domain.plan import Coming, DemandPrice, LikelyDay, PlanRequest
from optimizer.validation.require import require_finite, require_length, require_positive, require_series

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
    require_positive(f"{name}.probability", day.probability)
    for series in ("other_load_kw", "solar_kw"):
        if values := getattr(day, series):
            require_series(f"{name}.{series}", values, len(request.steps))
    known = {feeder.feeder_id for feeder in request.feeders}
    for index, coming in enumerate(day.coming):
        field = f"{name}.coming[{index}]"
        if coming.feeder_id not in known:
            problem = f"{coming.feeder_id!r} is not a feeder of this request"
            raise InvalidInput(f"{field}.feeder_id", problem, f"use one of {sorted(known)}")
        if not coming.phases:
            raise InvalidInput(f"{field}.phases", "are none", "give one to three phases")
        _require_coming(field, coming, request)


def _require_coming(name: str, coming: Coming, request: PlanRequest) -> None:
    for series in ("least_kwh", "most_kwh", "most_kw"):
        require_series(f"{name}.{series}", getattr(coming, series), len(request.steps))
    least_kwh = most_kwh = 0.0
    for t, (least, most, most_kw) in enumerate(zip(coming.least_kwh, coming.most_kwh, coming.most_kw, strict=True)):
        if not -DUST_KWH <= least - least_kwh <= request.steps[t].duration_h * most_kw + DUST_KWH:
            problem = "falls, or rises by more than most_kw allows"
            raise InvalidInput(f"{name}.least_kwh[{t}]", problem, "give what all must have by then")
        if most < max(most_kwh, least) - DUST_KWH:
            raise InvalidInput(
                f"{name}.most_kwh[{t}]", "falls, or is below least_kwh", "give what all can have by then"
            )
        least_kwh, most_kwh = least, most
