"""What a request must be like before anything is computed from it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from cpms.domain.errors import InvalidInput
from cpms.domain.plan import ChargingNeed, DemandPrice, FeederCap, PlanRequest
from cpms.domain.time import require_aware


def require_valid(request: PlanRequest) -> None:
    """InvalidInput naming the first field that cannot be planned with."""
    _require_steps(request)
    _require_positive("voltage_v", request.voltage_v)
    _require_positive("time_limit_s", request.time_limit_s)
    if not 0 <= request.gap_target < 1:
        raise InvalidInput("gap_target", f"{request.gap_target} is not in [0, 1)", "give a share such as 0.001")
    for name in ("import_price_per_kwh", "export_price_per_kwh", "solar_kw", "other_load_kw"):
        _require_series(name, getattr(request, name), len(request.steps))
    for index, demand in enumerate(request.demand):
        _require_demand(f"demand[{index}]", demand, len(request.steps))
    _require_feeders(request)
    known = {feeder.feeder_id for feeder in request.feeders}
    _require_unique("needs", [need.session_id for need in request.needs])
    for need in request.needs:
        _require_need(need, known)


def _require_steps(request: PlanRequest) -> None:
    if not request.steps:
        raise InvalidInput("steps", "there are none", "give at least one interval")
    for index, (left, right) in enumerate(zip(request.steps, request.steps[1:], strict=False)):
        if left.ends_at != right.starts_at:
            raise InvalidInput(
                f"steps[{index + 1}]",
                f"starts at {right.starts_at}, not at the end of the one before",
                "give consecutive intervals",
            )


def _require_feeders(request: PlanRequest) -> None:
    feeders = {feeder.feeder_id: feeder for feeder in request.feeders}
    _require_unique("feeders", [feeder.feeder_id for feeder in request.feeders])
    for feeder in request.feeders:
        _require_feeder(f"feeders[{feeder.feeder_id}]", feeder, len(request.steps))
        seen: set[str] = set()
        above: str | None = feeder.feeder_id
        while above is not None:
            if above in seen or above not in feeders:
                raise InvalidInput(
                    f"feeders[{feeder.feeder_id}].parent_id",
                    f"the chain of parents does not end ({above!r})",
                    "name feeders of this request, without a circle",
                )
            seen.add(above)
            above = feeders[above].parent_id


def _require_feeder(name: str, feeder: FeederCap, steps: int) -> None:
    _require_series(f"{name}.limit_a", feeder.limit_a, steps)
    _require_series(f"{name}.other_load_kw", feeder.other_load_kw, steps)
    _require_length(f"{name}.import_kw", len(feeder.import_kw), steps)
    _require_finite(f"{name}.import_kw", (limit for limit in feeder.import_kw if limit is not None))
    if feeder.reason:
        _require_length(f"{name}.reason", len(feeder.reason), steps)


def _require_need(need: ChargingNeed, feeders: set[str]) -> None:
    name = f"needs[{need.session_id}]"
    require_aware(need.departs_at, f"{name}.departs_at")
    if need.arrives_at is not None:
        require_aware(need.arrives_at, f"{name}.arrives_at")
    _require_finite(
        name, (need.energy_kwh, need.max_current_a, need.min_current_a, need.step_a, need.priority, need.current_a)
    )
    if need.feeder_id not in feeders:
        raise InvalidInput(
            f"{name}.feeder_id", f"{need.feeder_id!r} is not a feeder of this request", f"use one of {sorted(feeders)}"
        )
    if not need.phases or len(set(need.phases)) != len(need.phases):
        raise InvalidInput(f"{name}.phases", f"{need.phases} are none or repeated", "give one to three phases")
    _require_positive(f"{name}.step_a", need.step_a)
    if need.min_current_a < 0 or need.max_current_a < 0:
        raise InvalidInput(f"{name}.max_current_a", "a current below 0 A cannot be planned", "give 0 A or more")


def _require_demand(name: str, demand: DemandPrice, steps: int) -> None:
    _require_finite(name, (demand.price_per_kw, demand.peak_so_far_kw))
    _require_length(f"{name}.applies", len(demand.applies), steps)
    _require_positive(f"{name}.window_s", demand.window_s)
    if demand.price_per_kw < 0:
        raise InvalidInput(f"{name}.price_per_kw", f"{demand.price_per_kw} pays for a peak", "give 0 or more")


def _require_unique(name: str, ids: list[str]) -> None:
    if len(set(ids)) != len(ids):
        twice = sorted({one for one in ids if ids.count(one) > 1})
        raise InvalidInput(name, f"{', '.join(twice)} is given more than once", "give each its own id")


def _require_series(name: str, values: tuple[float, ...], steps: int) -> None:
    _require_length(name, len(values), steps)
    _require_finite(name, values)


def _require_length(name: str, length: int, steps: int) -> None:
    if length != steps:
        raise InvalidInput(name, f"has {length} values for {steps} steps", "give one per step")


def _require_finite(name: str, values: Iterable[float]) -> None:
    for value in values:
        if not math.isfinite(value):
            raise InvalidInput(name, f"{value} is not a finite number", "give finite numbers")


def _require_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise InvalidInput(name, f"{value} is not above 0", "give a finite number above 0")
